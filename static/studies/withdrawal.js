// @ts-check
/** Stopping for good, at any time: a quiet button and a dialog that says what happens to the answers. */

import { required } from "./dom.js";

/**
 * @param {(isDeletion: boolean) => Promise<void>} withdraw
 */
export function setUpWithdrawal(withdraw) {
  const dialog = /** @type {HTMLDialogElement} */ (required("withdrawal"));
  const opener = required("withdrawal-open");
  opener.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", (event) => {
    // The dialog's own box is filled by its content: a click on it itself was beside it.
    if (event.target === dialog) dialog.close();
    const way = event.target instanceof HTMLElement ? event.target.dataset.withdrawal : undefined;
    if (!way) return;
    dialog.close();
    if (way !== "stay") withdraw(way === "delete");
  });
}
