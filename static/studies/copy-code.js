// @ts-check
/** The button that copies the completion code. Where the browser cannot copy, there is none: the code can be selected. */

import { _ } from "./text.js";

const code = document.getElementById("completion-code");
const button = document.getElementById("copy-code");
const status = document.getElementById("copy-status");

if (code !== null && button !== null && status !== null && navigator.clipboard !== undefined) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent ?? "");
      status.textContent = _("The code is copied.");
    } catch {
      status.textContent = _("The code could not be copied. Please select it and copy it yourself.");
    }
  });
}
