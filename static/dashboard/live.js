// @ts-check
/**
 * Keeps the numbers of a study's overview fresh: every 15 seconds while the page is looked at, until switched off.
 * Without this script the page shows the numbers of when it was loaded.
 */

import { timeOfDay } from "../studies/numbers.js";
import { _, interpolate } from "../studies/text.js";

const EVERY_MS = 15_000;
const MEMORY = "harmony-dashboard-fresh";

const live = /** @type {HTMLElement} */ (document.getElementById("live"));
const note = /** @type {HTMLElement} */ (document.getElementById("live-note"));
const switched = /** @type {HTMLInputElement} */ (document.getElementById("live-switch"));
const numbers = /** @type {HTMLElement} */ (document.getElementById("numbers"));

/** @returns {boolean} whether the visitor asked to be spared traffic */
function savesData() {
  const { connection } = /** @type {{connection?: {saveData?: boolean}}} */ (navigator);
  return connection?.saveData === true || matchMedia("(prefers-reduced-data: reduce)").matches;
}

/** @param {Element | null} element inside the numbers */
function placeOf(element) {
  if (!element || !numbers.contains(element)) return null;
  const alike = [...numbers.querySelectorAll(element.tagName)];
  return { tag: element.tagName, address: element.getAttribute("href"), index: alike.indexOf(element) };
}

/**
 * Put new numbers in place of the old, and leave focus and scrolled tables where they were.
 * @param {string} html
 */
function show(html) {
  const before = placeOf(document.activeElement);
  const scrolled = [...numbers.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  const parsed = new DOMParser().parseFromString(html, "text/html");
  numbers.replaceChildren(...parsed.body.childNodes);
  numbers.querySelectorAll(".scroll").forEach((box, index) => (box.scrollLeft = scrolled[index] ?? 0));
  if (!before) return;
  const alike = [...numbers.querySelectorAll(before.tag)];
  const same = alike.filter((element) => element.getAttribute("href") === before.address);
  const next = same.length === 1 ? same[0] : (alike[before.index] ?? null);
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}

async function refresh() {
  if (!switched.checked || document.visibilityState === "hidden") return;
  // Numbers that someone is just copying stay.
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && numbers.contains(selection.anchorNode)) return;
  try {
    const reply = await fetch(live.dataset.url ?? "", { headers: { Accept: "text/html" }, cache: "no-store" });
    if (reply.redirected || reply.status === 403 || reply.status === 404) {
      switched.checked = false;
      note.textContent = _("You are no longer logged in. Reload the page.");
      return;
    }
    if (!reply.ok) throw new TypeError(`status ${reply.status}`);
    show(await reply.text());
    note.textContent = interpolate(_("as of %(time)s"), { time: timeOfDay(new Date()) });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    note.textContent = _("No connection just now");
  }
}

live.hidden = false;
switched.checked = !savesData() && localStorage.getItem(MEMORY) !== "off";
switched.addEventListener("change", () => {
  localStorage.setItem(MEMORY, switched.checked ? "on" : "off");
  if (switched.checked) void refresh();
});
document.addEventListener("visibilitychange", () => void refresh());
setInterval(() => void refresh(), EVERY_MS);
