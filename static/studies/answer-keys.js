// @ts-check
/** Answer keys can be switched off for those whose tools press keys on their own (WCAG 2.1.4). */

const SETTING = "harmony:keys";

/** @returns {boolean} whether keys other than Tab, Enter and Space do something */
export const keysAreOn = () => document.documentElement.dataset.keys !== "off";

/**
 * @param {KeyboardEvent} event
 * @returns {boolean} whether it may answer: not a shortcut of the browser, and not meant for a field or a dialog
 */
export function isAnswerKey(event) {
  if (!keysAreOn() || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return false;
  if (document.querySelector("dialog[open], #stage[inert]")) return false;
  return !(event.target instanceof Element && event.target.closest("input, textarea, select"));
}

/** Makes the switch in the page's foot work. */
export function setUpKeysSwitch() {
  const button = document.getElementById("keys");
  const apply = (/** @type {boolean} */ on) => {
    document.documentElement.dataset.keys = on ? "on" : "off";
    button?.setAttribute("aria-pressed", String(on));
  };
  apply(localStorage.getItem(SETTING) !== "off");
  button?.addEventListener("click", () => {
    const on = !keysAreOn();
    localStorage.setItem(SETTING, on ? "on" : "off");
    apply(on);
  });
}
