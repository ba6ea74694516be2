// @ts-check
/**
 * Keeps the page of a build under way fresh: every two seconds while the page is looked at. What was written into the
 * log comes in at its end; whoever has scrolled up stays there. It asks no more once the build has ended.
 * Without this script the page shows how it was when it was loaded.
 */

import { _ } from "../studies/text.js";

const EVERY_MS = 2000;
const MOST_LINES = 500;

const live = /** @type {HTMLElement} */ (document.getElementById("build-live"));
const said = /** @type {HTMLElement} */ (document.getElementById("build-said"));
const log = /** @type {HTMLElement} */ (document.getElementById("log"));
const lines = /** @type {HTMLElement} */ (document.getElementById("log-lines"));
const { url } = live.dataset;
let timer = 0;
let isAsking = false;

/** @returns {string} what is being done, in words */
const stage = () => document.getElementById("build-state")?.dataset.said ?? "";
let told = stage();

/** @returns {boolean} whether the end of the log is in sight */
const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 8;

/** @param {string} text that stands beside the buttons; empty: nothing */
function note(text) {
  const element = document.getElementById("live-note");
  if (element === null) return;
  element.textContent = text;
  /** @type {HTMLElement} */ (element.parentElement).hidden = text === "";
}

/** @param {Element | null} element */
function placeOf(element) {
  if (!element || !live.contains(element)) return null;
  return { tag: element.tagName, index: [...live.querySelectorAll(element.tagName)].indexOf(element) };
}

/**
 * Add lines that the log does not have yet.
 * @param {Iterable<Element>} fresh
 */
function append(fresh) {
  const follows = isAtEnd();
  lines.append(...fresh);
  if (!follows) return;
  // Lines go only while nobody reads above them: what is read would move.
  while (lines.children.length > MOST_LINES) lines.firstElementChild?.remove();
  log.scrollTop = log.scrollHeight;
}

/**
 * Put the new state in place of the old, and leave focus and scrolled tables where they were.
 * @param {string} html
 */
function show(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  append(parsed.querySelectorAll("#fresh-lines > li"));
  parsed.getElementById("fresh-lines")?.remove();
  const before = placeOf(document.activeElement);
  const scrolled = [...live.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  live.replaceChildren(...parsed.body.childNodes);
  live.querySelectorAll(".scroll").forEach((box, index) => (box.scrollLeft = scrolled[index] ?? 0));
  if (before) {
    const next = live.querySelectorAll(before.tag)[before.index];
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  }
  // Told once for each stage, not for each number.
  const words = stage();
  if (words !== told) said.textContent = told = words;
}

/** @returns {boolean} whether text that someone is just copying would be replaced */
function isCopied() {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && live.contains(selection.anchorNode);
}

async function refresh() {
  if (isAsking || url === undefined || document.visibilityState === "hidden" || isCopied()) return;
  isAsking = true;
  try {
    const last = /** @type {HTMLElement | null} */ (lines.lastElementChild)?.dataset.pk ?? "0";
    const reply = await fetch(`${url}?after=${last}`, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (reply.redirected || reply.status === 403 || reply.status === 404) {
      clearInterval(timer);
      note(_("You are no longer logged in. Reload the page."));
      return;
    }
    if (!reply.ok) throw new TypeError(`status ${reply.status}`);
    show(await reply.text());
    if (document.querySelector("#build-state[data-under-way]") === null) {
      clearInterval(timer);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    note(_("No connection just now"));
  } finally {
    isAsking = false;
  }
}

log.scrollTop = log.scrollHeight;
if (url !== undefined) {
  timer = setInterval(() => void refresh(), EVERY_MS);
  document.addEventListener("visibilitychange", () => void refresh());
}
