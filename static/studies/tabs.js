// @ts-check
/**
 * One tab at a time: it holds a lock of the browser for as long as it lives, and a tab that is told to takes it away.
 *
 * Where the browser has no locks (pages without HTTPS) tabs are not kept apart; the server then still takes every
 * answer once.
 */

import { required } from "./dom.js";
import { _ } from "./text.js";

/** Another tab has taken over. */
export class TakenOver extends Error {}

/** The tab that was just reloaded gives its lock up within this time. */
const RELOADED_MS = 500;
const TAKE_OVER = "harmony:take-over";

/**
 * @param {string} title
 * @param {string} text
 * @returns {{chosen: Promise<void>, hide: () => void}} `chosen` when it is to go on here
 */
function tell(title, text) {
  const [view, heading, button] = ["elsewhere", "elsewhere-title", "elsewhere-here"].map(required);
  heading.textContent = title;
  required("elsewhere-text").textContent = text;
  view.hidden = false;
  heading.focus();
  const chosen = new Promise((resolve) => button.addEventListener("click", () => resolve(undefined), { once: true }));
  return {
    chosen,
    hide: () => {
      view.hidden = true;
    },
  };
}

/** Says that the study is open in another tab. */
export const tellOtherTab = () =>
  tell(
    _("This study is open in another tab"),
    _("Please go on there, or close that tab. You can also go on here; the other tab then rests."),
  );

/** Says that the study goes on in another tab. Whoever goes on here gets a fresh page, since this one is out of date. */
export function tellTakenOver() {
  const { chosen } = tell(
    _("The study goes on in another tab"),
    _("This tab rests. All your answers are kept."),
  );
  chosen.then(() => {
    sessionStorage.setItem(TAKE_OVER, "yes");
    window.location.reload();
  });
}

export class OneTab {
  #name;
  #lost;
  #isHeld = false;
  /** Ends the wait for the other tab to be closed. */
  #waiting = new AbortController();

  /**
   * @param {string} owner study and annotator
   * @param {() => void} lost called when another tab has taken over
   */
  constructor(owner, lost) {
    this.#name = `harmony:tab:${owner}`;
    this.#lost = lost;
  }

  /** @returns {Promise<boolean>} whether this is the one tab */
  async begin() {
    if (!navigator.locks) return true;
    const isTakingOver = sessionStorage.getItem(TAKE_OVER) !== null;
    sessionStorage.removeItem(TAKE_OVER);
    return this.#hold(isTakingOver ? { steal: true } : { signal: AbortSignal.timeout(RELOADED_MS) });
  }

  /** @returns {Promise<boolean>} true when the other tab has been closed */
  afterTheOther() {
    return this.#hold({ signal: this.#waiting.signal });
  }

  /** Takes the lock from the other tab, which then rests. */
  async takeFromTheOther() {
    this.#waiting.abort();
    if (!this.#isHeld) await this.#hold({ steal: true });
  }

  /**
   * @param {LockOptions} how
   * @returns {Promise<boolean>} whether the lock is held; false when it was not to be had
   */
  #hold(how) {
    return new Promise((resolve) => {
      navigator.locks
        .request(this.#name, how, () => {
          this.#isHeld = true;
          resolve(true);
          return new Promise(() => {});
        })
        .catch(() => {
          if (this.#isHeld) this.#lost();
          else resolve(false);
        });
    });
  }
}
