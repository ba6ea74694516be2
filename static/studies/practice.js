// @ts-check
/** A round of practice trials, each followed by what its right answer is. */

import { FeedbackScreenPlugin } from "./feedback-screen.js";
import { ForcedChoicePlugin } from "./forced-choice.js";
import { newUuid } from "./outbox.js";
import { PageScreenPlugin } from "./page-screen.js";
import { decodePictures, releasePictures } from "./pictures.js";
import { setSurround } from "./screens.js";
import { _, interpolate, ngettext } from "./text.js";

/** @typedef {import("./types.js").Assignment} Assignment */
/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").PracticeStep} PracticeStep */
/** @typedef {import("./types.js").Prepared} Prepared */
/** @typedef {{correct: boolean, text: string} | null} Feedback */

/**
 * What stands above the introduction to a round.
 * @param {PracticeStep} step
 * @returns {string}
 */
function roundTitle({ page, round, rounds }) {
  const { title } = page;
  return round === 1 ? title : interpolate(_("%(title)s, round %(round)s of %(rounds)s"), { title, round, rounds });
}

/**
 * @param {PracticeStep} step
 * @param {number} count of trials that are left of the round
 * @returns {string} as HTML: numbers are all that is put in
 */
function roundHtml({ page, round, wanted, correct_before: before }, count) {
  const trials = ngettext("%(count)s practice trial follows.", "%(count)s practice trials follow.", count);
  const told = [interpolate(trials, { count })];
  if (wanted > 0) {
    const format = ngettext(
      "To go on, %(count)s right answer is needed.",
      "To go on, %(count)s right answers are needed.",
      wanted,
    );
    told.push(interpolate(format, { count: wanted }));
  }
  if (round > 1 && before !== null) {
    const format = ngettext(
      "%(count)s answer was right in the last round. Please try once more.",
      "%(count)s answers were right in the last round. Please try once more.",
      before,
    );
    told.unshift(interpolate(format, { count: before }));
  }
  return `${round === 1 ? page.html : ""}<p>${told.join(" ")}</p>${round > 1 ? page.html : ""}`;
}

export class Practice {
  #notices;
  #outbox;
  #queue;
  #screens;
  #settings;
  #turn = new AbortController();

  /** @param {import("./trials.js").Parts} parts */
  constructor({ notices, outbox, queue, screens, settings }) {
    this.#notices = notices;
    this.#outbox = outbox;
    this.#queue = queue;
    this.#screens = screens;
    this.#settings = settings;
  }

  /**
   * Shows what is left of a round.
   * @param {PracticeStep} step
   */
  async run(step) {
    const unsent = new Set(this.#outbox.entries().map(({ token }) => token));
    const left = step.assignments.filter(({ token }) => !unsent.has(token));
    const prepared = left.map((assignment) => this.#queue.prepare(assignment));
    for (const each of prepared) each.catch(() => {});
    if (left.length > 0) await this.#introduce(step, left.length);
    setSurround("trials");
    for (const [index, each] of prepared.entries()) {
      this.#notices.waiting(_("Getting your next trial…"));
      await this.#trial(await each, { answered: index, total: prepared.length });
      if (this.#turn.signal.aborted) await new Promise(() => {});
    }
    await this.#outbox.settled();
  }

  /**
   * @param {PracticeStep} step
   * @param {number} count
   */
  async #introduce(step, count) {
    setSurround("page");
    const ways = [{ name: _("Start the practice"), value: "start" }];
    const reading = { title: roundTitle(step), html: roundHtml(step, count), ways };
    await this.#screens.show(PageScreenPlugin, reading, () => this.#notices.waiting(null));
  }

  /** Takes the trial off the screen; nothing answers any more, and `run` never ends. */
  stop() {
    this.#turn.abort();
  }

  /**
   * @param {Prepared} prepared
   * @param {import("./types.js").Progress} progress
   */
  async #trial(prepared, progress) {
    const { assignment, pictures } = prepared;
    const decodeMs = await decodePictures(pictures);
    /** @type {Feedback} */
    let feedback = null;
    let choice = "";
    prepared.showings += 1;
    const showing = {
      prepared,
      settings: this.#settings,
      decodeMs,
      previousAnswerAt: null,
      signal: this.#turn.signal,
      answered: async (/** @type {Measured} */ measured) => {
        choice = measured.choice;
        feedback = await this.#send(assignment, measured);
      },
    };
    await this.#screens.show(ForcedChoicePlugin, showing, () => {
      this.#notices.waiting(null);
      this.#notices.announcePractice(assignment.prediction, progress);
    });
    if (feedback !== null) {
      const { correct, text } = /** @type {{correct: boolean, text: string}} */ (feedback);
      const content = { pictures, choice, correct, text };
      await this.#screens.show(FeedbackScreenPlugin, content, () => this.#notices.waiting(null));
    }
    releasePictures(pictures);
  }

  /**
   * Keeps the answer and waits for what the server says about it.
   * @param {Assignment} assignment
   * @param {Measured} measured
   * @returns {Promise<Feedback>} null where there is none: the trial had another answer, or the answer was refused
   */
  async #send({ token, ...assignment }, measured) {
    const arrived = new Promise((resolve) => {
      const listening = new AbortController();
      const { signal } = listening;
      const end = (/** @type {Feedback} */ feedback) => {
        listening.abort();
        resolve(feedback);
      };
      this.#outbox.addEventListener(
        "acknowledged",
        (event) => {
          const { detail } = /** @type {CustomEvent} */ (event);
          if (detail.token === token) end(detail.body.feedback ?? null);
        },
        { signal },
      );
      this.#outbox.addEventListener(
        "change",
        () => {
          if (this.#outbox.refused().some((entry) => entry.token === token)) end(null);
        },
        { signal },
      );
    });
    const answer = { uuid: newUuid(), revision: assignment.revision, ...measured };
    this.#outbox.add({ token, answer, assignment: { token, ...assignment } });
    this.#notices.waiting(_("Sending your answer…"));
    return arrived;
  }
}
