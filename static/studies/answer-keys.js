// @ts-check
/** Answer keys can be switched off for those whose tools press keys on their own (WCAG 2.1.4). */

const SETTING = "harmony:keys";

/** @returns {boolean} whether keys other than Tab, Enter and Space do something */
export const keysAreOn = () => document.documentElement.dataset.keys !== "off";

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
