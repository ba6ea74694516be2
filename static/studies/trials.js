// @ts-check
/** The trials of a study: taken from the queue, shown one by one, their answers handed to the outbox. */

import { isAnswerKey } from "./answer-keys.js";
import { required } from "./dom.js";
import { ForcedChoicePlugin } from "./forced-choice.js";
import { newUuid } from "./outbox.js";
import { decodePictures } from "./pictures.js";
import { PreviousTrial } from "./previous-trial.js";
import { breakRest, closedRest, lastRest, pausedRest, RestScreenPlugin, timeUpRest } from "./rest-screen.js";
import { setSurround } from "./screens.js";
import { _ } from "./text.js";
import { TrialsOver } from "./trial-queue.js";

/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").NextReply} NextReply */
/** @typedef {import("./types.js").Prepared} Prepared */
/** @typedef {import("./types.js").Progress} Progress */
/** @typedef {import("./types.js").Settings} Settings */
/** @typedef {import("./types.js").StudyState} StudyState */
/** @typedef {import("./forced-choice.js").Showing} Showing */
/** @typedef {import("./rest-screen.js").Rest} Rest */

/**
 * @typedef {object} Parts what the runner is made of
 * @property {import("./connection.js").Connection} connection
 * @property {import("./notices.js").Notices} notices
 * @property {import("./outbox.js").Outbox} outbox
 * @property {import("./trial-queue.js").TrialQueue} queue
 * @property {import("./screens.js").Screens} screens
 * @property {Settings} settings until the server has named those of the participation
 */

export class Trials {
  #notices;
  #outbox;
  #queue;
  #screens;
  /** @type {Settings} */
  #settings;
  #undoButton = /** @type {HTMLButtonElement} */ (required("undo"));
  #undoLabel = required("undo-label");
  /** @type {Progress} */
  #progress = { answered: 0, total: 0 };
  /** @type {StudyState} */
  #state = "open";
  /** @type {Prepared | null} the trial on the screen, or after the rest that is there */
  #current = null;
  #currentDecodeMs = 0;
  /** @type {Rest | null} what is shown before the next trial, or when there is none */
  #rest = null;
  /** @type {AbortController} takes what is on the screen off it */
  #turn = new AbortController();
  #previous = new PreviousTrial();
  /** @type {Promise<void> | null} the step from one trial to another, while it is under way */
  #move = null;
  /** @type {boolean} whether the trial on the screen is the last answered one again */
  #undoing = false;
  /** @type {number | null} */
  #previousAnswerAt = null;
  #isOver = false;
  #isStopped = false;
  #listening = new AbortController();
  /** @type {(reason: unknown) => void} */
  #fail = () => {};

  /** @param {Parts} parts */
  constructor({ notices, outbox, queue, screens, settings }) {
    this.#notices = notices;
    this.#outbox = outbox;
    this.#queue = queue;
    this.#screens = screens;
    this.#settings = settings;
  }

  /** Shows trials until there are none left, the participation ends, or whoever answers goes on from the last one. */
  async run() {
    setSurround("trials");
    const failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#listen();
    try {
      await Promise.race([failed, this.#showAll()]);
      if (this.#isStopped) await new Promise(() => {});
      this.#undoButton.hidden = true;
      this.#notices.waiting(_("Sending your last answers…"));
      await Promise.race([failed, this.#outbox.settled()]);
    } finally {
      this.#listening.abort();
      this.#outbox.wanted = () => 0;
    }
  }

  /** Takes the trial off the screen; nothing answers any more, and `run` never ends. */
  stop() {
    this.#isStopped = true;
    this.#listening.abort();
    this.#undoButton.hidden = true;
    this.#end();
  }

  async #showAll() {
    await this.#moving(() => this.#advance());
    for (;;) {
      if (this.#rest) {
        await this.#screens.show(RestScreenPlugin, this.#rest, () => this.#rested());
        this.#previousAnswerAt = null;
      } else if (this.#current) {
        await this.#screens.show(ForcedChoicePlugin, this.#showing(this.#current), () => this.#shown());
      } else {
        return;
      }
    }
  }

  /**
   * @param {Prepared} prepared
   * @returns {Showing}
   */
  #showing(prepared) {
    prepared.showings += 1;
    return {
      prepared,
      settings: this.#settings,
      decodeMs: this.#currentDecodeMs,
      previousAnswerAt: this.#previousAnswerAt,
      signal: this.#turn.signal,
      answered: (measured) => this.#answered(prepared, measured),
    };
  }

  #shown() {
    this.#notices.waiting(null);
    this.#updateUndo();
    const { assignment } = /** @type {Prepared} */ (this.#current);
    this.#notices.announce(assignment.prediction, this.#undoing ? null : this.#progress);
  }

  #rested() {
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
    const isFirst = !this.#undoing;
    if (isFirst) {
      this.#progress = { ...this.#progress, answered: this.#progress.answered + 1 };
      this.#notices.progress(this.#progress);
    }
    const isTimeout = measured.choice === "timeout";
    if (isTimeout) this.#previous.forget(prepared);
    else this.#previous.remember(prepared);
    await this.#moving(async () => {
      await this.#advance();
      if (this.#current) this.#rest = this.#restBefore(isTimeout, isFirst);
    });
  }

  /**
   * @param {boolean} isTimeout
   * @param {boolean} isFirst whether the answer was the first one to its trial
   * @returns {Rest | null} what comes between two trials
   */
  #restBefore(isTimeout, isFirst) {
    const { break_every: every } = this.#settings;
    const { signal } = this.#turn;
    const goOn = async () => {
      this.#rest = null;
    };
    if (isFirst && every > 0 && this.#progress.answered % every === 0) return breakRest(signal, this.#progress, goOn);
    return isTimeout ? timeUpRest(signal, goOn) : null;
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
      if (error instanceof TrialsOver) this.#end();
      else this.#fail(error);
    } finally {
      this.#move = null;
    }
  }

  /** The server gives out no more: what is on the screen goes. */
  #end() {
    this.#isOver = true;
    this.#current = null;
    this.#rest = null;
    this.#turn.abort();
  }

  /** Makes the next trial the current one, decoded; null when there is none left, or the study rests. */
  async #advance() {
    this.#notices.waiting(_("Getting your next trial…"));
    let next = this.#state === "open" ? await this.#queue.take() : null;
    if (next && this.#state !== "open") {
      this.#queue.putBack(next);
      next = null;
    }
    if (next === null) await this.#previous.restored;
    await this.#makeCurrent(next, false);
  }

  /**
   * @param {Prepared | null} next
   * @param {boolean} undoing
   */
  async #makeCurrent(next, undoing) {
    this.#currentDecodeMs = next ? await decodePictures(next.pictures) : 0;
    if (this.#isOver) return;
    this.#turn = new AbortController();
    this.#undoing = undoing;
    this.#current = next;
    this.#rest = next ? null : this.#restNow();
  }

  /** @returns {Rest | null} what to show in place of a trial; null to go on from the trials */
  #restNow() {
    const { signal } = this.#turn;
    const finish = async () => {
      this.#rest = null;
    };
    const isAnswered = this.#progress.answered >= this.#progress.total;
    if (this.#state === "paused" && !isAnswered) return pausedRest(signal, () => this.#lookAgain());
    if (this.#state === "closed" && !isAnswered) return closedRest(signal, finish);
    return this.#settings.undo && this.#previous.prepared ? lastRest(signal, () => this.#undo(), finish) : null;
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
    const previous = this.#previous.prepared;
    if (!this.#settings.undo || !previous || this.#move) return;
    if (this.#current === null && this.#rest === null) return;
    const [turn, current] = [this.#turn, this.#current];
    await this.#moving(async () => {
      if (this.#undoing) return this.#advance();
      if (current) this.#queue.putBack(current);
      await this.#makeCurrent(previous, true);
    });
    this.#previousAnswerAt = null;
    turn.abort();
  }

  #updateUndo() {
    this.#undoButton.hidden = !this.#settings.undo;
    // Where there is no trial to come, the screen in its place has buttons of its own.
    this.#undoButton.disabled = this.#previous.prepared === null || this.#current === null;
    this.#undoLabel.textContent = this.#undoing ? _("Keep my answer") : _("Undo");
  }

  #listen() {
    const { signal } = this.#listening;
    const on = (/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(detail: any) => void} */ act) =>
      target.addEventListener(type, (event) => act(/** @type {CustomEvent} */ (event).detail), { signal });
    on(this.#outbox, "acknowledged", (detail) => this.#acknowledged(detail));
    on(this.#outbox, "elsewhere", ({ entry }) => this.#answeredElsewhere(entry.token, entry.answer.revision));
    on(this.#queue, "reply", (reply) => this.#replied(reply));
    on(this.#queue, "failed", (error) => (error instanceof TrialsOver ? this.#end() : this.#fail(error)));
    this.#outbox.wanted = () => (this.#isOver ? 0 : this.#queue.wanted());
    this.#undoButton.addEventListener("click", () => this.#undo(), { signal });
    document.addEventListener(
      "keydown",
      (event) => {
        if (!isAnswerKey(event) || (event.key !== "Backspace" && event.key.toLowerCase() !== "u")) return;
        event.preventDefault();
        this.#undo();
      },
      { signal },
    );
  }

  /** @param {{body: any, wanted: number}} reply to an answer */
  #acknowledged({ body, wanted }) {
    // Withdrawn in another browser, or ended by a quality rule.
    if (body.participation_state !== "active") {
      this.#end();
      return;
    }
    this.#state = body.state;
    if (body.assignments) this.#queue.receive(body, wanted);
    if (this.#outbox.size === 0) this.#correct(body.progress);
  }

  /** @param {NextReply} reply */
  #replied(reply) {
    this.#state = reply.state;
    this.#settings = reply.settings ?? this.#settings;
    const unsent = this.#outbox.entries();
    if (this.#progress.total === 0) {
      const counted = unsent.filter(({ answer }) => answer.revision === 1).length;
      this.#correct({ ...reply.progress, answered: reply.progress.answered + counted });
      if (this.#settings.undo && this.#previous.prepared === null) this.#restorePrevious(reply, unsent.at(-1));
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
    if (!previous || last?.answer.choice === "timeout") return;
    this.#previous.restore(this.#queue.prepare(previous), () => this.#updateUndo(), this.#fail);
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
    if (!this.#undoing) this.#previous.giveUp();
    if (revision === 1) this.#correct({ ...this.#progress, answered: this.#progress.answered + 1 });
    const { assignment } = this.#current ?? {};
    if (assignment?.token !== token || assignment.revision > revision) return;
    if (this.#move) return;
    const turn = this.#turn;
    this.#moving(() => this.#advance()).then(() => turn.abort());
  }
}
