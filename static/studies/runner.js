// @ts-check
/** The trial runner: takes trials from the queue, shows them through jsPsych, hands the answers to the outbox. */

import { keysAreOn, setUpKeysSwitch } from "./answer-keys.js";
import { Connection } from "./connection.js";
import { ForcedChoicePlugin } from "./forced-choice.js";
import { Notices } from "./notices.js";
import { newUuid, Outbox } from "./outbox.js";
import { decodePictures, releasePictures } from "./pictures.js";
import { closedRest, lastRest, pausedRest, RestScreenPlugin } from "./rest-screen.js";
import { _ } from "./text.js";
import { TrialQueue } from "./trial-queue.js";

/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").NextReply} NextReply */
/** @typedef {import("./types.js").Prepared} Prepared */
/** @typedef {import("./types.js").Progress} Progress */
/** @typedef {import("./types.js").StudyState} StudyState */
/** @typedef {import("./forced-choice.js").Showing} Showing */
/** @typedef {import("./rest-screen.js").Rest} Rest */

/**
 * @typedef {object} Page
 * @property {string} owner study and annotator
 * @property {string} annotator the annotator's user, by primary key
 * @property {string} username the annotator's user, by name
 * @property {string} allowUndo "true" or "false"
 * @property {string} nextUrl
 * @property {string} responsesUrl with TOKEN in place of the token
 * @property {string} doneUrl
 * @property {string} homeUrl
 * @property {string} loginUrl
 */

class Runner {
  #page;
  #connection;
  #notices;
  #outbox;
  #queue;
  #stage;
  #undoButton;
  #undoLabel;
  /** @type {Progress} */
  #progress = { answered: 0, total: 0 };
  /** @type {StudyState} */
  #state = "open";
  /** @type {Prepared | null} the trial on the screen */
  #current = null;
  #currentDecodeMs = 0;
  /** @type {Rest | null} what is shown when there is no trial */
  #rest = null;
  /** @type {AbortController} takes what is on the screen off it */
  #turn = new AbortController();
  /** @type {Prepared | null} the last answered trial, ready to be answered anew */
  #previous = null;
  /** @type {Promise<void>} the last answered trial being fetched after a reload */
  #restoring = Promise.resolve();
  /** @type {Promise<void> | null} the step from one trial to another, while it is under way */
  #move = null;
  /** @type {boolean} whether the trial on the screen is the last answered one again */
  #undoing = false;
  /** @type {number | null} */
  #previousAnswerAt = null;
  #allowUndo;
  #leaving = false;
  #isStopped = false;
  /** @type {(reason: unknown) => void} */
  #fail;
  /** @type {Promise<never>} */
  #failed;

  /**
   * @param {HTMLElement} stage
   * @param {Page} page
   */
  constructor(stage, page) {
    this.#stage = stage;
    this.#page = page;
    this.#allowUndo = page.allowUndo === "true";
    this.#connection = new Connection(page.annotator);
    this.#notices = new Notices(page.loginUrl);
    this.#undoButton = /** @type {HTMLButtonElement} */ (document.getElementById("undo"));
    this.#undoLabel = /** @type {HTMLElement} */ (document.getElementById("undo-label"));
    this.#outbox = new Outbox({
      owner: page.owner,
      connection: this.#connection,
      addressOf: (token) => page.responsesUrl.replace("TOKEN", token),
    });
    this.#queue = new TrialQueue({
      connection: this.#connection,
      outbox: this.#outbox,
      nextUrl: page.nextUrl,
    });
    this.#fail = () => {};
    this.#failed = new Promise((__, reject) => {
      this.#fail = reject;
    });
    this.#listen();
  }

  /** Runs the study to its end and goes to the done page. */
  async run() {
    this.#outbox.check();
    this.#outbox.offerAgain();
    for (const { token, answer } of this.#outbox.entries()) this.#queue.answered(token, answer.revision);
    this.#tellOutbox();
    this.#outbox.send();
    await Promise.race([this.#failed, this.#advance()]);
    if (this.#current !== null || this.#rest !== null) await Promise.race([this.#failed, this.#showAll()]);
    this.#notices.waiting(_("Sending your last answers…"));
    await Promise.race([this.#failed, this.#outbox.settled()]);
    this.#leaving = true;
    window.location.assign(this.#page.doneUrl);
  }

  /** @param {unknown} error what stops the study */
  stop(error) {
    this.#isStopped = true;
    // Whatever is unsent is kept, and reloading is what is asked for.
    this.#leaving = true;
    this.#current = null;
    this.#rest = null;
    this.#turn.abort();
    this.#stage.hidden = true;
    this.#undoButton.hidden = true;
    this.#notices.waiting(null);
    this.#notices.stopped(error, this.#page, this.#outbox.size);
  }

  async #showAll() {
    const jsPsych = /** @type {any} */ (globalThis).jsPsychModule.initJsPsych({ display_element: this.#stage });
    const trial = {
      type: ForcedChoicePlugin,
      showing: () => this.#showing(),
      on_load: () => this.#shown(),
    };
    const rest = { type: RestScreenPlugin, rest: () => this.#rest, on_load: () => this.#rested() };
    await jsPsych.run([
      {
        timeline: [
          { timeline: [trial], conditional_function: () => this.#current !== null },
          { timeline: [rest], conditional_function: () => this.#current === null && this.#rest !== null },
        ],
        loop_function: () => this.#current !== null || this.#rest !== null,
      },
    ]);
  }

  /** @returns {Showing} */
  #showing() {
    const prepared = /** @type {Prepared} */ (this.#current);
    prepared.showings += 1;
    return {
      prepared,
      decodeMs: this.#currentDecodeMs,
      previousAnswerAt: this.#previousAnswerAt,
      signal: this.#turn.signal,
      answered: (measured) => this.#answered(prepared, measured),
    };
  }

  #shown() {
    // jsPsych makes the stage a stop of the Tab key; it needs only to take the focus.
    this.#stage.tabIndex = -1;
    this.#notices.waiting(null);
    this.#updateUndo();
    const { assignment } = /** @type {Prepared} */ (this.#current);
    this.#notices.announce(assignment.prediction, this.#undoing ? null : this.#progress);
  }

  #rested() {
    this.#stage.tabIndex = -1;
    this.#notices.waiting(null);
    this.#updateUndo();
  }

  /**
   * Keeps the answer; resolves when the next trial can be shown at once.
   * @param {Prepared} prepared
   * @param {Measured} measured
   */
  async #answered(prepared, measured) {
    // Undo was pressed, or another tab has answered this trial, and the next one is just coming.
    if (this.#move) return this.#move;
    const { assignment } = prepared;
    try {
      const answer = { uuid: newUuid(), revision: assignment.revision, ...measured };
      this.#outbox.add({ token: assignment.token, answer, assignment });
    } catch (error) {
      this.#fail(error);
      return;
    }
    const { answered_at: answeredAt } = /** @type {{answered_at: number}} */ (measured.timing);
    this.#previousAnswerAt = answeredAt - performance.timeOrigin;
    this.#queue.answered(assignment.token, assignment.revision);
    if (!this.#undoing) {
      this.#progress = { ...this.#progress, answered: this.#progress.answered + 1 };
      this.#notices.progress(this.#progress);
    }
    this.#remember(prepared);
    await this.#moving(() => this.#advance());
  }

  /** @param {Prepared} prepared just answered: what undo brings back */
  #remember(prepared) {
    if (this.#previous && this.#previous !== prepared) releasePictures(this.#previous.pictures);
    const { assignment, pictures } = prepared;
    this.#previous = { assignment: { ...assignment, revision: assignment.revision + 1 }, pictures, showings: 0 };
  }

  /**
   * From one trial to another, one such step at a time.
   * @param {() => Promise<void>} step
   */
  async #moving(step) {
    this.#move = step();
    try {
      await this.#move;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#move = null;
    }
  }

  /** Makes the next trial the current one, decoded; null when there is none left, or the study rests. */
  async #advance() {
    this.#notices.waiting(_("Getting your next trial…"));
    let next = this.#state === "open" ? await this.#queue.take() : null;
    if (next && this.#state !== "open") {
      this.#queue.putBack(next);
      next = null;
    }
    if (next === null) await this.#restoring;
    await this.#makeCurrent(next, false);
  }

  /**
   * @param {Prepared | null} next
   * @param {boolean} undoing
   */
  async #makeCurrent(next, undoing) {
    this.#currentDecodeMs = next ? await decodePictures(next.pictures) : 0;
    if (this.#isStopped) return;
    this.#turn = new AbortController();
    this.#undoing = undoing;
    this.#current = next;
    this.#rest = next ? null : this.#restNow();
  }

  /** @returns {Rest | null} what to show in place of a trial; null to go on to the done page */
  #restNow() {
    const { signal } = this.#turn;
    const finish = async () => {
      this.#rest = null;
    };
    const isAnswered = this.#progress.answered >= this.#progress.total;
    if (this.#state === "paused" && !isAnswered) return pausedRest(signal, () => this.#lookAgain());
    if (this.#state === "closed" && !isAnswered) return closedRest(signal, finish);
    return this.#allowUndo && this.#previous ? lastRest(signal, () => this.#undo(), finish) : null;
  }

  /** Asks whether a paused study goes on. */
  async #lookAgain() {
    await this.#moving(async () => {
      this.#notices.waiting(_("Asking for your next trial…"));
      await this.#queue.refresh();
      await this.#advance();
    });
  }

  /** Shows the last answered trial again, or goes back from it to where the annotator was. */
  async #undo() {
    if (!this.#allowUndo || !this.#previous || this.#move) return;
    if (this.#current === null && this.#rest === null) return;
    const [turn, previous, current] = [this.#turn, this.#previous, this.#current];
    await this.#moving(async () => {
      if (this.#undoing) return this.#advance();
      if (current) this.#queue.putBack(current);
      await this.#makeCurrent(previous, true);
    });
    this.#previousAnswerAt = null;
    turn.abort();
  }

  #updateUndo() {
    this.#undoButton.hidden = !this.#allowUndo;
    // Where there is no trial, the screen in its place has buttons of its own.
    this.#undoButton.disabled = this.#previous === null || this.#current === null;
    this.#undoLabel.textContent = this.#undoing ? _("Keep my answer") : _("Undo");
  }

  #listen() {
    this.#connection.addEventListener("state", () => this.#tellConnection());
    this.#outbox.addEventListener("change", () => this.#tellOutbox());
    this.#outbox.addEventListener("acknowledged", (event) => {
      const { progress, state } = /** @type {CustomEvent<NextReply>} */ (event).detail;
      this.#state = state;
      if (this.#outbox.size === 0) this.#correct(progress);
    });
    this.#outbox.addEventListener("elsewhere", (event) => {
      const { token, answer } = /** @type {CustomEvent} */ (event).detail.entry;
      this.#answeredElsewhere(token, answer.revision);
    });
    this.#queue.addEventListener("reply", (event) => this.#replied(/** @type {CustomEvent} */ (event).detail));
    this.#outbox.addEventListener("failed", (event) => this.#fail(/** @type {CustomEvent} */ (event).detail));
    this.#queue.addEventListener("failed", (event) => this.#fail(/** @type {CustomEvent} */ (event).detail));
    this.#undoButton.addEventListener("click", () => this.#undo());
    document.addEventListener("keydown", (event) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      if (!keysAreOn()) return;
      if (event.key === "Backspace" || event.key.toLowerCase() === "u") {
        event.preventDefault();
        this.#undo();
      }
    });
    window.addEventListener("beforeunload", (event) => {
      if (!this.#leaving && this.#outbox.size > 0) event.preventDefault();
    });
    // Logging in again brings the annotator back here, where the kept answers are sent.
    document.getElementById("notice")?.addEventListener("click", (event) => {
      if (event.target instanceof HTMLAnchorElement) this.#leaving = true;
    });
  }

  #tellConnection() {
    this.#notices.connection(this.#connection.state, this.#outbox.size);
  }

  #tellOutbox() {
    this.#tellConnection();
    this.#notices.refused(this.#outbox.refused());
  }

  /** @param {NextReply} reply */
  #replied(reply) {
    this.#state = reply.state;
    const unsent = this.#outbox.entries();
    if (this.#progress.total === 0) {
      const counted = unsent.filter(({ answer }) => answer.revision === 1).length;
      this.#correct({ ...reply.progress, answered: reply.progress.answered + counted });
      if (this.#allowUndo && this.#previous === null) this.#restorePrevious(reply, unsent.at(-1));
    } else {
      // How many are answered is known better here: an answer may have overtaken this reply.
      this.#correct({ ...this.#progress, total: reply.progress.total });
    }
  }

  /**
   * After a reload: gets the last answered trial ready for undo.
   * @param {NextReply} reply
   * @param {import("./types.js").Entry | undefined} last the newest unsent answer
   */
  #restorePrevious(reply, last) {
    const previous = last ? { ...last.assignment, revision: last.answer.revision + 1 } : reply.previous;
    if (!previous) return;
    this.#restoring = this.#queue.prepare(previous).then((prepared) => {
      // An answer given meanwhile is the one to undo.
      if (this.#previous !== null) return releasePictures(prepared.pictures);
      this.#previous = prepared;
      this.#updateUndo();
    }, this.#fail);
  }

  /** @param {Progress} progress */
  #correct(progress) {
    this.#progress = progress;
    this.#notices.progress(progress);
  }

  /**
   * @param {string} token
   * @param {number} revision
   */
  #answeredElsewhere(token, revision) {
    this.#queue.answered(token, revision);
    // The last answer is another tab's now, and is undone there.
    if (!this.#undoing) this.#previous = null;
    if (revision === 1) this.#correct({ ...this.#progress, answered: this.#progress.answered + 1 });
    const { assignment } = this.#current ?? {};
    if (assignment?.token !== token || assignment.revision > revision) return;
    if (this.#move) return;
    const turn = this.#turn;
    this.#moving(() => this.#advance()).then(() => turn.abort());
  }
}

const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
setUpKeysSwitch();
const runner = new Runner(stage, /** @type {any} */ ({ ...stage.dataset }));
runner.run().catch((error) => runner.stop(error));
