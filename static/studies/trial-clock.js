// @ts-check
/** When a trial was painted, and for how long it was really in sight. */

import { COVER } from "./screen-size.js";

/**
 * @typedef {object} Painted
 * @property {number} paintedAt on the clock of performance.now()
 * @property {number} frameMs
 */

/**
 * The first frame paints what was inserted, the second is the first moment at which it can be known to be on the screen.
 * @param {AbortSignal} signal
 * @returns {Promise<Painted>} never settles when aborted
 */
export function secondFrame(signal) {
  return new Promise((resolve) => {
    requestAnimationFrame((first) => {
      requestAnimationFrame((second) => {
        if (!signal.aborted) resolve({ paintedAt: second, frameMs: second - first });
      });
    });
  });
}

/**
 * Acts in the frame that comes nearest to a moment, and tells when what was done there is on the screen.
 * @param {Painted} painted before that moment
 * @param {number} moment on the clock of performance.now()
 * @param {AbortSignal} signal
 * @param {() => void} act
 * @returns {Promise<number>} never settles when aborted
 */
export function inFrameAt({ paintedAt, frameMs }, moment, signal, act) {
  return new Promise((resolve) => {
    let last = paintedAt;
    // A frame that came late tells nothing of the next: were that one expected as late, this would act too early.
    let shortest = frameMs;
    const look = (/** @type {number} */ now) => {
      if (signal.aborted) return;
      shortest = Math.min(shortest, now - last);
      last = now;
      // What is done in this frame is seen in the next one.
      if (now + 1.5 * shortest < moment) {
        requestAnimationFrame(look);
        return;
      }
      act();
      requestAnimationFrame(resolve);
    };
    requestAnimationFrame(look);
  });
}

/** @param {Event} event */
export function inputKind(event) {
  if (event instanceof KeyboardEvent) return "keyboard";
  // Enter, Space and assistive technology press a button without a pointer.
  if (event instanceof PointerEvent && event.detail > 0 && event.pointerType) return event.pointerType;
  return event instanceof MouseEvent && event.detail > 0 ? "mouse" : "keyboard";
}

/** @param {number} value */
export const tenth = (value) => Math.round(value * 10) / 10;

/** Adds up how often something is so, and for how long. */
class Spells {
  count = 0;
  #ms = 0;
  /** @type {number | null} */
  #since = null;

  /** @param {boolean} isSo */
  note(isSo) {
    if (isSo && this.#since === null) {
      this.count += 1;
      this.#since = performance.now();
    } else if (!isSo && this.#since !== null) {
      this.#ms += performance.now() - this.#since;
      this.#since = null;
    }
  }

  get ms() {
    return tenth(this.#ms + (this.#since === null ? 0 : performance.now() - this.#since));
  }
}

/** Counts how often, and for how long, a trial is out of sight. */
export class Absences {
  #hidden = new Spells();
  #covered = new Spells();
  #blurred = 0;

  /** @param {AbortSignal} signal ends the counting */
  constructor(signal) {
    const seen = () => this.#hidden.note(document.visibilityState === "hidden");
    const covered = (/** @type {Event} */ event) => this.#covered.note(/** @type {CustomEvent} */ (event).detail);
    document.addEventListener("visibilitychange", seen, { signal });
    document.addEventListener(COVER, covered, { signal });
    window.addEventListener("blur", () => (this.#blurred += 1), { signal });
  }

  asTiming() {
    return {
      hidden: this.#hidden.count,
      hidden_ms: this.#hidden.ms,
      covered: this.#covered.count,
      covered_ms: this.#covered.ms,
      blurred: this.#blurred,
    };
  }
}
