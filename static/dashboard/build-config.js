// @ts-check
/**
 * Comforts of the page where a config is written: a file's text comes into the text area, lines that are named in
 * errors can be gone to, and what was typed is not left by accident. The page works without this script.
 */

import { _, interpolate } from "../studies/text.js";

const LARGEST = 64 * 1024;

const form = /** @type {HTMLFormElement} */ (document.getElementById("config-form"));
const text = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("text"));
const file = /** @type {HTMLInputElement} */ (form.elements.namedItem("file"));
const fileName = /** @type {HTMLInputElement} */ (form.elements.namedItem("file_name"));
const note = /** @type {HTMLElement} */ (document.getElementById("config-file-note"));
// What is shown again after a check is kept nowhere else.
const kept = form.hasAttribute("data-typed") ? "" : text.defaultValue;
let isSent = false;

file.addEventListener("change", async () => {
  const chosen = file.files?.[0];
  if (chosen === undefined) return;
  if (chosen.size > LARGEST) {
    note.textContent = _("The file is larger than 64 KiB; this is no config.");
    return;
  }
  try {
    text.value = new TextDecoder("utf-8", { fatal: true }).decode(await chosen.arrayBuffer());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    note.textContent = _("The file is not UTF-8 text; save it as UTF-8.");
    return;
  }
  fileName.value = chosen.name;
  note.textContent = interpolate(_("The text of %(name)s is above now."), { name: chosen.name });
  // Otherwise it would be sent beside the text, and win over what is typed from now on.
  file.value = "";
});

/** @param {number} number the line that is selected and scrolled to, from 1 */
function goToLine(number) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((length, line) => length + line.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (number - 4) * height);
}

for (const fault of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-line]"))) {
  const number = Number(fault.dataset.line);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link-button";
  button.textContent = interpolate(_("Go to line %(number)s"), { number });
  button.addEventListener("click", () => goToLine(number));
  fault.append(" ", button);
}

(document.getElementById("config-faults") ?? document.getElementById("outlook-card"))?.focus();

form.addEventListener("submit", () => (isSent = true));
addEventListener("pageshow", () => (isSent = false));
addEventListener("beforeunload", (event) => {
  if (!isSent && text.value !== kept) event.preventDefault();
});
