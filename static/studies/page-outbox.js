// @ts-check
/**
 * Completed pages on their way to the server: kept in this browser, each with its UUID, until it has them. What is
 * being entered on a page is kept for as long as the tab lives, so that a reload loses nothing.
 */

import { Refused } from "./connection.js";
import { newUuid, StorageUnavailable } from "./outbox.js";

/** @typedef {import("./types.js").StepReply} StepReply */
/** @typedef {{uuid: string, answers: Record<string, unknown>, digest: string, shown_seconds: number}} Completed */
/** @typedef {{reply: StepReply} | {faults: Record<string, string>}} Outcome faults by field; "" is the page itself */

/**
 * @param {unknown} fault
 * @returns {string}
 */
const inWords = (fault) => (Array.isArray(fault) ? fault.map(inWords).join(" ") : String(fault));

/**
 * @param {any} body of a reply that says what is wrong
 * @returns {Record<string, string>}
 */
function faultsIn(body) {
  const answers = body?.answers;
  if (answers && typeof answers === "object" && !Array.isArray(answers)) {
    return Object.fromEntries(Object.entries(answers).map(([name, fault]) => [name, inWords(fault)]));
  }
  return { "": inWords(answers ?? body?.detail ?? Object.values(body ?? {}).flat()) };
}

export class PageOutbox {
  #prefix;
  #connection;
  #addressOf;

  /**
   * @param {object} options
   * @param {string} options.owner study and annotator
   * @param {import("./connection.js").Connection} options.connection
   * @param {(key: string) => string} options.addressOf where a page is posted
   */
  constructor({ owner, connection, addressOf }) {
    this.#prefix = `harmony:page:${owner}:`;
    this.#connection = connection;
    this.#addressOf = addressOf;
  }

  /**
   * Keeps a page and sends it until it gets through.
   * @param {string} key
   * @param {Omit<Completed, "uuid">} completed
   * @returns {Promise<Outcome>}
   * @throws {StorageUnavailable}
   */
  async complete(key, completed) {
    const kept = { uuid: newUuid(), ...completed };
    try {
      localStorage.setItem(this.#prefix + key, JSON.stringify(kept));
    } catch (error) {
      throw new StorageUnavailable(String(error));
    }
    return this.#send(key, kept);
  }

  /** Sends what an earlier visit left behind. A page that is refused now is simply asked for again. */
  async sendKept() {
    for (const name of Object.keys(localStorage).filter((each) => each.startsWith(this.#prefix))) {
      await this.#send(name.slice(this.#prefix.length), JSON.parse(localStorage.getItem(name) ?? "null"));
    }
  }

  /** Forgets everything, for someone who wants it deleted. */
  forget() {
    for (const name of Object.keys(localStorage)) if (name.startsWith(this.#prefix)) localStorage.removeItem(name);
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(this.#prefix)) sessionStorage.removeItem(name);
  }

  /**
   * @param {string} key
   * @param {Completed} kept
   * @returns {Promise<Outcome>}
   */
  async #send(key, kept) {
    try {
      const { body } = await this.#connection.persist(() => this.#connection.post(this.#addressOf(key), kept));
      this.#forgetPage(key);
      return { reply: body };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      localStorage.removeItem(this.#prefix + key);
      return { faults: faultsIn(error.body) };
    }
  }

  /** @param {string} key */
  #forgetPage(key) {
    localStorage.removeItem(this.#prefix + key);
    sessionStorage.removeItem(this.#prefix + key);
  }

  /**
   * @param {string} key
   * @param {unknown} draft
   */
  keepDraft(key, draft) {
    try {
      sessionStorage.setItem(this.#prefix + key, JSON.stringify(draft));
    } catch {
      // A draft is a convenience; the page itself is kept when it is completed.
    }
  }

  /**
   * @param {string} key
   * @returns {any} null where there is none
   */
  draft(key) {
    return JSON.parse(sessionStorage.getItem(this.#prefix + key) ?? "null");
  }
}
