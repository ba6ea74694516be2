// @ts-check
/** The next trials, asked for and decoded before they are needed. */

import { Refused } from "./connection.js";
import { loadPictures } from "./pictures.js";

/** @typedef {import("./types.js").Assignment} Assignment */
/** @typedef {import("./types.js").NextReply} NextReply */
/** @typedef {import("./types.js").Prepared} Prepared */

/** Trials kept ready beyond the one on the screen, and the number at which more are asked for. */
const FULL = 5;
const LOW = 3;
/** The most that the server gives at once. */
const MOST = 20;

/** The server gives out no more trials: the participation has ended, or another page comes first. */
export class TrialsOver extends Error {}

/** Dispatches `reply` (detail: a NextReply) for each reply of the server. */
export class TrialQueue extends EventTarget {
  #connection;
  #outbox;
  #nextUrl;
  /** @type {{assignment: Assignment, prepared: Promise<Prepared>}[]} */
  #upcoming = [];
  /** @type {Map<string, number>} the highest revision answered in this browser, by token */
  #answered = new Map();
  /** @type {string | null} */
  #shown = null;
  #serverHasMore = true;
  /** @type {Promise<unknown>} the last of the trials being loaded */
  #loading = Promise.resolve();
  /** @type {Promise<void> | null} */
  #filling = null;

  /**
   * @param {object} options
   * @param {import("./connection.js").Connection} options.connection
   * @param {import("./outbox.js").Outbox} options.outbox
   * @param {string} options.nextUrl
   */
  constructor({ connection, outbox, nextUrl }) {
    super();
    this.#connection = connection;
    this.#outbox = outbox;
    this.#nextUrl = nextUrl;
  }

  /**
   * An answer was given here or in another tab: its trial is not to be shown again.
   * @param {string} token
   * @param {number} revision
   */
  answered(token, revision) {
    this.#answered.set(token, Math.max(revision, this.#answered.get(token) ?? 0));
    this.#upcoming = this.#upcoming.filter(({ assignment }) => assignment.token !== token);
  }

  /**
   * @param {Assignment} assignment
   * @returns {boolean} whether this revision of it was answered in this browser
   */
  isAnswered(assignment) {
    return (this.#answered.get(assignment.token) ?? 0) >= assignment.revision;
  }

  /**
   * @param {Assignment} assignment
   * @returns {Promise<Prepared>}
   */
  async prepare(assignment) {
    return { assignment, pictures: await this.#loadPictures(assignment), showings: 0 };
  }

  /** @param {Assignment} assignment */
  async #loadPictures(assignment) {
    try {
      return await loadPictures(this.#connection, assignment);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // Someone who is logged out gets no picture either. Asking for trials tells the two apart, and waits for a log-in.
      await this.#connection.persist(() => this.#connection.post(this.#nextUrl, { count: 1 }));
      return loadPictures(this.#connection, assignment);
    }
  }

  /** @returns {Promise<Prepared | null>} the next trial, decoded; null when the study has none left */
  async take() {
    if (this.#upcoming.length === 0) await this.#fill();
    if (this.#upcoming.length === 0) {
      // The server may be waiting for answers of ours before it gives more.
      await this.#outbox.settled();
      await this.refresh();
    }
    const next = this.#upcoming.shift();
    this.#shown = next?.assignment.token ?? null;
    if (!next) return null;
    // An answer on its way brings more with its reply.
    const isComing = this.#outbox.size > 0 && this.#connection.state === "online";
    if (this.#upcoming.length <= LOW && !isComing) this.#fillAhead();
    return next.prepared;
  }

  /**
   * Puts back a trial that was taken but not answered.
   * @param {Prepared} prepared
   */
  putBack(prepared) {
    this.#upcoming.unshift({ assignment: prepared.assignment, prepared: Promise.resolve(prepared) });
  }

  /** Asks the server anew, whatever it said before. */
  async refresh() {
    this.#serverHasMore = true;
    await this.#fill();
  }

  #fillAhead() {
    this.#fill().catch((error) => this.dispatchEvent(new CustomEvent("failed", { detail: error })));
  }

  #fill() {
    this.#filling ??= this.#ask().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  async #ask() {
    if (!this.#serverHasMore) return;
    let count = 0;
    /** @type {NextReply} */
    const reply = await this.#connection.persist(async () => {
      // Trials on the screen or with an answer on its way are still open for the server.
      count = Math.min(MOST, FULL + 1 + this.#outbox.size);
      const { status, body } = await this.#connection.post(this.#nextUrl, { count });
      if (status === 409) throw new TrialsOver(body.code);
      return body;
    });
    this.#receive(reply, count);
  }

  /** @returns {number} how many trials the reply to an answer should bring along */
  wanted() {
    if (!this.#serverHasMore || this.#upcoming.length > LOW) return 0;
    return Math.min(MOST, FULL + this.#outbox.size);
  }

  /**
   * Takes what came along with the reply to an answer.
   * @param {NextReply} reply
   * @param {number} count how many were asked for
   */
  receive(reply, count) {
    if (this.#serverHasMore) this.#receive(reply, count);
  }

  /**
   * @param {NextReply} reply
   * @param {number} count
   */
  #receive(reply, count) {
    this.#serverHasMore = reply.assignments.length >= count;
    for (const assignment of reply.assignments) {
      if (assignment.token === this.#shown || this.isAnswered(assignment)) continue;
      if (this.#upcoming.some((known) => known.assignment.token === assignment.token)) continue;
      // One trial at a time, so that the first is not kept waiting by the pictures of the others.
      const prepared = this.#loading.catch(() => {}).then(() => this.prepare(assignment));
      this.#loading = prepared;
      // Who takes the trial hears of a failure; until then it must not count as unhandled.
      prepared.catch(() => {});
      this.#upcoming.push({ assignment, prepared });
    }
    this.dispatchEvent(new CustomEvent("reply", { detail: reply }));
  }
}
