// @ts-check
/** The way through a study: the server says what comes next, and this shows it. */

import { _ } from "./text.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").StepReply} StepReply */

export class Flow {
  #connection;
  #notices;
  #pageOutbox;
  #pages;
  #practice;
  #trials;
  #stepsUrl;
  #doneUrl;

  /**
   * @param {object} options
   * @param {import("./connection.js").Connection} options.connection
   * @param {import("./notices.js").Notices} options.notices
   * @param {import("./page-outbox.js").PageOutbox} options.pageOutbox
   * @param {import("./pages.js").Pages} options.pages
   * @param {import("./practice.js").Practice} options.practice
   * @param {import("./trials.js").Trials} options.trials
   * @param {string} options.stepsUrl
   * @param {string} options.doneUrl
   */
  constructor({ connection, notices, pageOutbox, pages, practice, trials, stepsUrl, doneUrl }) {
    this.#connection = connection;
    this.#notices = notices;
    this.#pageOutbox = pageOutbox;
    this.#pages = pages;
    this.#practice = practice;
    this.#trials = trials;
    this.#stepsUrl = stepsUrl;
    this.#doneUrl = doneUrl;
  }

  /** @returns {Promise<string>} where to go when there is nothing left to do */
  async run() {
    this.#notices.waiting(_("Getting your next page…"));
    await this.#pageOutbox.sendKept();
    let reply = await this.#next();
    // Trials whose last answer can still be taken back have not ended for those who take part.
    if (reply.step.kind === "finished" && reply.participation_state === "active") await this.#trials.run();
    for (;;) {
      const { step } = reply;
      if (step.kind === "finished") return step.url;
      if (step.kind === "trials") {
        await this.#trials.run();
        reply = await this.#next();
        // No trial is left for now, and none of the pages after them is open yet.
        if (reply.step.kind === "trials") return this.#doneUrl;
      } else {
        reply = await this.#show(step, reply.place);
      }
    }
  }

  /**
   * @param {import("./types.js").PageStep | import("./types.js").PracticeStep} step
   * @param {{index: number, of: number}} place
   * @returns {Promise<StepReply>}
   */
  async #show(step, place) {
    this.#notices.place(place);
    if (step.kind === "page") return this.#pages.run(step.page);
    await this.#practice.run(step);
    return this.#next();
  }

  /** @returns {Promise<StepReply>} */
  async #next() {
    const { body } = await this.#connection.persist(() => this.#connection.post(this.#stepsUrl, {}));
    return body;
  }
}
