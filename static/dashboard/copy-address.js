// @ts-check
/** Buttons that copy an address. Where the browser cannot copy, there are none: addresses are selected as a whole. */

import { _ } from "../studies/text.js";

const status = document.getElementById("copy-status");

/** @param {HTMLElement} button names the element to copy in `data-copy` */
function setUp(button) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
    let said = _("Copied");
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      said = _("Not copied");
    }
    button.textContent = said;
    if (status !== null) status.textContent = said;
    setTimeout(() => (button.textContent = label), 2000);
  });
}

if (navigator.clipboard !== undefined) {
  for (const button of document.querySelectorAll("[data-copy]")) setUp(/** @type {HTMLElement} */ (button));
}
