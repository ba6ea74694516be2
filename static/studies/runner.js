// @ts-check
/** The trial runner: takes trials from the queue, shows them through jsPsych, hands the answers to the outbox. */

import { Connection, Refused } from "./connection.js";
import { ForcedChoicePlugin } from "./forced-choice.js";
import { Notices } from "./notices.js";
import { newUuid, Outbox, StorageUnavailable } from "./outbox.js";
import { decodePictures, releasePictures } from "./pictures.js";
import { TrialQueue } from "./trial-queue.js";

/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").NextReply} NextReply */
/** @typedef {import("./types.js").Prepared} Prepared */
/** @typedef {import("./types.js").Progress} Progress */
/** @typedef {import("./forced-choice.js").Showing} Showing */

/**
 * @typedef {object} Addresses
 * @property {string} owner
 * @property {string} nextUrl
 * @property {string} responsesUrl with TOKEN in place of the token
 * @property {string} doneUrl
 * @property {string} loginUrl
 */

const KEYS_SETTING = "harmony:keys";

class Runner {
  #connection = new Connection();
  #notices;
  #outbox;
  #queue;
  #doneUrl;
  #stage;
  #undoButton;
  #undoLabel;
  /** @type {Progress} */
  #progress = { answered: 0, total: 0 };
  /** @type {Prepared | null} the trial on the screen */
  #current = null;
  #currentDecodeMs = 0;
  /** @type {AbortController} takes the trial on the screen off it */
  #turn = new AbortController();
  /** @type {Prepared | null} the last answered trial, ready to be answered anew */
  #previous = null;
  /** @type {Promise<void> | null} the step from one trial to another, while it is under way */
  #move = null;
  /** @type {boolean} whether the trial on the screen is the last answered one again */
  #undoing = false;
  /** @type {number | null} */
  #previousAnswerAt = null;
  #allowUndo = false;
  #leaving = false;
  /** @type {(reason: unknown) => void} */
  #fail;
  /** @type {Promise<never>} */
  #failed;

  /**
   * @param {HTMLElement} stage
   * @param {Addresses} addresses
   * @param {boolean} allowUndo
   */
  constructor(stage, addresses, allowUndo) {
    this.#stage = stage;
    this.#doneUrl = addresses.doneUrl;
    this.#allowUndo = allowUndo;
    this.#notices = new Notices(addresses.loginUrl);
    this.#undoButton = /** @type {HTMLButtonElement} */ (document.getElementById("undo"));
    this.#undoLabel = /** @type {HTMLElement} */ (document.getElementById("undo-label"));
    this.#outbox = new Outbox({
      owner: addresses.owner,
      connection: this.#connection,
      addressOf: (token) => addresses.responsesUrl.replace("TOKEN", token),
    });
    this.#queue = new TrialQueue({
      connection: this.#connection,
      outbox: this.#outbox,
      nextUrl: addresses.nextUrl,
    });
    this.#fail = () => {};
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#listen();
  }

  /** Runs the study to its end and goes to the done page. */
  async run() {
    this.#outbox.check();
    this.#outbox.send();
    this.#notices.waiting("Getting your next trial…");
    await Promise.race([this.#failed, this.#advance()]);
    if (this.#current !== null) await Promise.race([this.#failed, this.#showAll()]);
    this.#notices.waiting("Sending your last answers…");
    await Promise.race([this.#failed, this.#outbox.settled()]);
    this.#leaving = true;
    window.location.assign(this.#doneUrl);
  }

  /** @param {unknown} error what stops the study */
  stop(error) {
    this.#turn.abort();
    this.#stage.hidden = true;
    this.#notices.waiting(null);
    if (error instanceof StorageUnavailable) {
      this.#notices.error(`${error.message}. Please allow this site to store data in your browser, then reload.`);
    } else if (error instanceof Refused) {
      this.#notices.error(`The server did not give out a trial: ${error.message}. Please tell the study's contact.`);
    } else {
      this.#notices.error(`Something went wrong on this page (${error}). Your answers are kept; please reload.`);
    }
  }

  async #showAll() {
    const jsPsych = /** @type {any} */ (globalThis).jsPsychModule.initJsPsych({ display_element: this.#stage });
    const trial = {
      type: ForcedChoicePlugin,
      showing: () => this.#showing(),
      on_load: () => this.#shown(),
    };
    await jsPsych.run([{ timeline: [trial], loop_function: () => this.#current !== null }]);
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
    const place = this.#undoing ? "Your last trial again" : `Trial ${this.#progress.answered + 1} of ${this.#progress.total}`;
    this.#notices.announce(`${place}. The network’s answer: ${assignment.prediction}.`);
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

  /** Makes the next trial the current one, decoded; null when there is none left. */
  async #advance() {
    this.#notices.waiting("Getting your next trial…");
    const next = await this.#queue.take();
    await this.#makeCurrent(next, false);
  }

  /**
   * @param {Prepared | null} next
   * @param {boolean} undoing
   */
  async #makeCurrent(next, undoing) {
    this.#currentDecodeMs = next ? await decodePictures(next.pictures) : 0;
    this.#turn = new AbortController();
    this.#undoing = undoing;
    this.#current = next;
  }

  /** Shows the last answered trial again, or goes back from it to where the annotator was. */
  async #undo() {
    if (!this.#allowUndo || !this.#previous || !this.#current || this.#move) return;
    const [turn, previous, current] = [this.#turn, this.#previous, this.#current];
    await this.#moving(async () => {
      if (this.#undoing) return this.#advance();
      this.#queue.putBack(current);
      await this.#makeCurrent(previous, true);
    });
    this.#previousAnswerAt = null;
    turn.abort();
  }

  #updateUndo() {
    this.#undoButton.hidden = !this.#allowUndo;
    this.#undoButton.disabled = this.#previous === null;
    this.#undoLabel.textContent = this.#undoing ? "Keep my answer" : "Undo";
  }

  #listen() {
    this.#connection.addEventListener("state", () => this.#tellConnection());
    this.#outbox.addEventListener("change", () => this.#tellConnection());
    this.#outbox.addEventListener("acknowledged", (event) => {
      const { progress } = /** @type {CustomEvent} */ (event).detail;
      if (progress && this.#outbox.size === 0) this.#correct(progress);
    });
    this.#outbox.addEventListener("refused", (event) => {
      const { entry, reason } = /** @type {CustomEvent} */ (event).detail;
      this.#notices.error(
        `Your answer to trial ${entry.assignment.position} was not accepted: ${reason}. ` +
          "It stays in this browser; please tell the study's contact.",
      );
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
      if (document.documentElement.dataset.keys === "off") return;
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

  /** @param {NextReply} reply */
  #replied(reply) {
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
    this.#queue.prepare(previous).then((prepared) => {
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
    if (revision === 1) this.#correct({ ...this.#progress, answered: this.#progress.answered + 1 });
    const { assignment } = this.#current ?? {};
    if (assignment?.token !== token || assignment.revision > revision) return;
    if (this.#move) return;
    const turn = this.#turn;
    this.#moving(() => this.#advance()).then(() => turn.abort());
  }
}

/** Answer keys can be switched off for those whose tools press keys on their own (WCAG 2.1.4). */
function setUpKeysSwitch() {
  const button = document.getElementById("keys");
  const apply = (/** @type {boolean} */ on) => {
    document.documentElement.dataset.keys = on ? "on" : "off";
    button?.setAttribute("aria-pressed", String(on));
  };
  apply(localStorage.getItem(KEYS_SETTING) !== "off");
  button?.addEventListener("click", () => {
    const on = document.documentElement.dataset.keys === "off";
    localStorage.setItem(KEYS_SETTING, on ? "on" : "off");
    apply(on);
  });
}

const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
const { owner, nextUrl, responsesUrl, doneUrl, loginUrl, allowUndo } = /** @type {Record<string, string>} */ (stage.dataset);
setUpKeysSwitch();
const runner = new Runner(stage, { owner, nextUrl, responsesUrl, doneUrl, loginUrl }, allowUndo === "true");
runner.run().catch((error) => runner.stop(error));
