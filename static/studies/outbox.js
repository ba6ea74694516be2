// @ts-check
/**
 * Answers on their way to the server.
 *
 * Each answer is written to localStorage, under a key of its own, before it is sent, and removed when the server
 * has acknowledged it: 201 (stored), 200 (stored before) or 409 (the trial has another answer, given in another
 * tab or browser). Two tabs never overwrite each other's entries, and an answer that is sent twice carries the same
 * UUID. Entries are sent one at a time and in order, since the server lets only the last answer be changed.
 *
 * An answer that the server refuses is set aside, and offered once more when the page is next opened. Refused again,
 * it stays where it is, listed, until its trial has another answer.
 */

import { Refused } from "./connection.js";
import { _, interpolate } from "./text.js";

/** @typedef {import("./types.js").Entry} Entry */

/** How often an answer is offered to a server that refuses it. */
const OFFERS = 2;

/** Answers cannot be kept in this browser. */
export class StorageUnavailable extends Error {}

/** @returns {string} a random UUID (version 4), also on pages without HTTPS, where crypto.randomUUID is missing */
export function newUuid() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * Dispatches `change` (an entry came or went), `acknowledged` (detail: {token, body, wanted}: the server's
 * reply, and how many trials it was to bring along),
 * `elsewhere` (detail: {entry}: another tab took an answer) and `failed` (detail: an error).
 */
export class Outbox extends EventTarget {
  #prefix;
  #refusedPrefix;
  #connection;
  #addressOf;
  #sending = false;
  /** @type {() => number} how many trials the reply to an answer should bring along; 0: none */
  wanted = () => 0;
  #lastKeptAt = 0;

  /**
   * @param {object} options
   * @param {string} options.owner study and annotator: answers of others in the same browser stay untouched
   * @param {import("./connection.js").Connection} options.connection
   * @param {(token: string) => string} options.addressOf where the answer to an assignment is posted
   */
  constructor({ owner, connection, addressOf }) {
    super();
    this.#prefix = `harmony:unsent:${owner}:`;
    this.#refusedPrefix = `harmony:refused:${owner}:`;
    this.#connection = connection;
    this.#addressOf = addressOf;
    window.addEventListener("storage", (event) => {
      if (!event.key?.startsWith(this.#prefix)) return;
      if (event.newValue) {
        this.dispatchEvent(new CustomEvent("elsewhere", { detail: { entry: JSON.parse(event.newValue) } }));
      }
      this.dispatchEvent(new Event("change"));
    });
  }

  /**
   * Makes sure, before the first trial, that answers can be kept.
   * @throws {StorageUnavailable}
   */
  check() {
    this.#write(`${this.#prefix}check`, "");
    localStorage.removeItem(`${this.#prefix}check`);
  }

  /** @returns {Entry[]} what the server has not acknowledged, oldest first */
  entries() {
    return this.#kept(this.#prefix);
  }

  /** @returns {Entry[]} what the server has refused, oldest first */
  refused() {
    return this.#kept(this.#refusedPrefix);
  }

  /**
   * @param {string} prefix
   * @returns {Entry[]}
   */
  #kept(prefix) {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .map((key) => localStorage.getItem(key))
      .filter((text) => text !== null && text !== "")
      .map((text) => /** @type {Entry} */ (JSON.parse(/** @type {string} */ (text))))
      .sort((a, b) => a.kept_at - b.kept_at);
  }

  get size() {
    return this.entries().length;
  }

  /**
   * Keeps an answer and starts to send it.
   * @param {Omit<Entry, "kept_at">} answered
   * @throws {StorageUnavailable} then the answer is not kept, and the trial should be shown again
   */
  add(answered) {
    this.#lastKeptAt = Math.max(Date.now(), this.#lastKeptAt + 1);
    const entry = { ...answered, kept_at: this.#lastKeptAt };
    this.#write(this.#prefix + entry.answer.uuid, JSON.stringify(entry));
    this.dispatchEvent(new Event("change"));
    this.send();
  }

  /**
   * Puts refused answers among the unsent ones again, each once in its life.
   * @throws {StorageUnavailable}
   */
  offerAgain() {
    for (const entry of this.refused()) {
      if ((entry.refusals ?? 1) >= OFFERS) continue;
      this.#write(this.#prefix + entry.answer.uuid, JSON.stringify(entry));
      localStorage.removeItem(this.#refusedPrefix + entry.answer.uuid);
    }
  }

  /** Sends what is kept, if it is not being sent already. */
  send() {
    if (this.#sending) return;
    this.#sending = true;
    this.#sendAll()
      .catch((error) => this.dispatchEvent(new CustomEvent("failed", { detail: error })))
      .finally(() => {
        this.#sending = false;
      });
  }

  async #sendAll() {
    while (this.size > 0) await this.#connection.persist(() => this.#alone(() => this.#sendOldest()));
  }

  /** Forgets everything unsent, for someone who wants it deleted. */
  forget() {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(this.#prefix) || key.startsWith(this.#refusedPrefix)) localStorage.removeItem(key);
    }
    this.dispatchEvent(new Event("change"));
  }

  /** @returns {Promise<void>} when nothing is left to send */
  async settled() {
    while (this.size > 0) {
      await new Promise((resolve) => this.addEventListener("change", resolve, { once: true }));
    }
  }

  /**
   * Lets one tab send at a time, where the browser can arrange it; elsewhere the UUIDs make repeats harmless.
   * @param {() => Promise<void>} work
   */
  async #alone(work) {
    if (navigator.locks) await navigator.locks.request(this.#prefix, work);
    else await work();
  }

  async #sendOldest() {
    const [entry] = this.entries();
    if (!entry) return;
    try {
      const wanted = this.wanted();
      const answer = wanted > 0 ? { ...entry.answer, next: wanted } : entry.answer;
      const { status, body } = await this.#connection.post(this.#addressOf(entry.token), answer);
      if (status === 409) console.info(`Trial ${entry.assignment.position} has another answer:`, body);
      this.#forgetRefused(entry);
      localStorage.removeItem(this.#prefix + entry.answer.uuid);
      this.dispatchEvent(new CustomEvent("acknowledged", { detail: { token: entry.token, body, wanted } }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const refusals = (entry.refusals ?? 0) + 1;
      const refused = JSON.stringify({ ...entry, refusals, reason: error.detail });
      this.#write(this.#refusedPrefix + entry.answer.uuid, refused);
      localStorage.removeItem(this.#prefix + entry.answer.uuid);
    }
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Entry} entry acknowledged: earlier answers to its trial do not matter any more */
  #forgetRefused({ token, answer }) {
    for (const refused of this.refused()) {
      if (refused.token !== token || refused.answer.revision > answer.revision) continue;
      localStorage.removeItem(this.#refusedPrefix + refused.answer.uuid);
    }
  }

  /**
   * @param {string} key
   * @param {string} text
   */
  #write(key, text) {
    try {
      localStorage.setItem(key, text);
    } catch (error) {
      const format = _("This browser would not keep your answer: %(reason)s");
      throw new StorageUnavailable(interpolate(format, { reason: String(error) }));
    }
  }
}
