// @ts-check
/** The last answered trial, kept with its pictures so that its answer can be given anew. */

import { releasePictures } from "./pictures.js";

/** @typedef {import("./types.js").Prepared} Prepared */

export class PreviousTrial {
  /** @type {Prepared | null} */
  #prepared = null;
  /** @type {Promise<void>} it being fetched after a reload */
  #restoring = Promise.resolve();

  /** @returns {Prepared | null} ready to be answered anew; null where there is nothing to undo */
  get prepared() {
    return this.#prepared;
  }

  /** @returns {Promise<void>} resolves when it is known whether there is one */
  get restored() {
    return this.#restoring;
  }

  /** @param {Prepared} prepared just answered: what undo brings back */
  remember(prepared) {
    this.#release(prepared);
    const { assignment, pictures } = prepared;
    this.#prepared = { assignment: { ...assignment, revision: assignment.revision + 1 }, pictures, showings: 0 };
  }

  /** @param {Prepared} prepared ran out of time, which cannot be taken back; nor can what was before it */
  forget(prepared) {
    releasePictures(prepared.pictures);
    this.#release(prepared);
    this.#prepared = null;
  }

  /** Its last answer is another tab's now, and is undone there. */
  giveUp() {
    this.#prepared = null;
  }

  /**
   * After a reload: keeps what is fetched, unless an answer was given meanwhile, which is then the one to undo.
   * @param {Promise<Prepared>} fetched
   * @param {() => void} kept
   * @param {(reason: unknown) => void} failed
   */
  restore(fetched, kept, failed) {
    this.#restoring = fetched.then((prepared) => {
      if (this.#prepared !== null) return releasePictures(prepared.pictures);
      this.#prepared = prepared;
      kept();
    }, failed);
  }

  /** @param {Prepared} answered whose pictures stay, should it be the kept trial itself */
  #release(answered) {
    if (this.#prepared && this.#prepared !== answered) releasePictures(this.#prepared.pictures);
  }
}
