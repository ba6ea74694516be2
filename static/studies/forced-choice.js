// @ts-check
/**
 * A forced choice between two maps of one picture: a jsPsych 8 plugin.
 *
 * The reaction time starts with the second animation frame after the decoded pictures were inserted: the first
 * frame paints them, the second is the first moment at which they can be known to be on the screen. It ends at the
 * input event's own time stamp, which does not wait for this page to get round to it.
 */

import { isAnswerKey } from "./answer-keys.js";
import { _ } from "./text.js";
import { Absences, inFrameAt, inputKind, secondFrame, tenth } from "./trial-clock.js";
import { choiceByKey, optionOf, ratingByKey } from "./trial-options.js";
import { TrialView } from "./trial-view.js";

/** @typedef {import("./types.js").Choice} Choice */
/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").Prepared} Prepared */
/** @typedef {import("./types.js").Settings} Settings */
/** @typedef {import("./trial-clock.js").Painted} Painted */

/**
 * @typedef {object} Showing one trial's turn on the screen
 * @property {Prepared} prepared
 * @property {Settings} settings
 * @property {number} decodeMs
 * @property {number | null} previousAnswerAt time stamp of the answer before, on the clock of performance.now()
 * @property {AbortSignal} signal takes the trial off the screen without an answer
 * @property {(measured: Measured) => Promise<void>} answered the trial stays on the screen until this resolves
 */

const { ParameterType } = /** @type {any} */ (globalThis).jsPsychModule;

/** Nobody decides this fast: such an input was meant for what was on the screen before. */
const GUARD_MS = 200;
/** The second click of a double click comes within this time. */
const DOUBLE_CLICK_MS = 400;

/** One trial's turn: from its insertion to its answer. */
class Turn {
  #showing;
  #view;
  #absences;
  #finish;
  #listening = new AbortController();
  /** @type {Painted | null} */
  #painted = null;
  /** @type {Choice | null} the option that waits for its rating */
  #selected = null;
  /** @type {Record<string, unknown>} what only some protocols make happen */
  #noted = {};
  #early = 0;

  /**
   * @param {HTMLElement} display
   * @param {Showing} showing
   * @param {(data: {choice: string | null, rt: number | null}) => void} finish
   */
  constructor(display, showing, finish) {
    this.#showing = showing;
    this.#finish = finish;
    this.#view = new TrialView(showing.prepared, showing.settings);
    this.#absences = new Absences(this.#listening.signal);
    this.#listen();
    display.replaceChildren(this.#view.root);
    secondFrame(this.#listening.signal).then((painted) => this.#begin(painted));
  }

  #listen() {
    const { signal } = this.#listening;
    this.#view.root.addEventListener("click", (event) => this.#clicked(event), { signal });
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    const end = () => {
      this.#listening.abort();
      this.#view.tell("");
      this.#finish({ choice: null, rt: null });
    };
    this.#showing.signal.addEventListener("abort", end, { signal });
  }

  /** @param {Painted} painted */
  #begin(painted) {
    this.#painted = painted;
    this.#view.root.dataset.painted = String(painted.paintedAt);
    const { previousAnswerAt: start, settings } = this.#showing;
    if (start !== null) performance.measure("harmony-gap", { start, end: painted.paintedAt });
    if (settings.show_for_ms !== null) this.#maskAfter(painted, settings.show_for_ms);
    if (settings.most_ms !== null) this.#endAt(painted.paintedAt + settings.most_ms);
  }

  /**
   * @param {Painted} painted
   * @param {number} ms
   */
  async #maskAfter(painted, ms) {
    const maskedAt = await inFrameAt(painted, painted.paintedAt + ms, this.#listening.signal, () => this.#view.mask());
    this.#noted.masked_ms = tenth(maskedAt - painted.paintedAt);
  }

  /**
   * A timer may ring a fraction of a millisecond early: it is then set again, so that nobody gets less than the time.
   * @param {number} moment
   */
  #endAt(moment) {
    if (this.#listening.signal.aborted) return;
    const left = moment - performance.now();
    if (left <= 0) {
      this.#answer("timeout", null, null);
      return;
    }
    const timer = setTimeout(() => this.#endAt(moment), left);
    this.#listening.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target.closest("[data-choice]") : null;
    if (!(target instanceof HTMLElement)) return;
    const choice = /** @type {Choice} */ (target.dataset.choice);
    this.#chosen(choice, target.dataset.rating ? Number(target.dataset.rating) : null, event);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.shiftKey || !isAnswerKey(event)) return;
    const { options } = this.#showing.prepared.assignment;
    const points = this.#showing.settings.confidence;
    const rating = ratingByKey(points, event.key);
    const choice = choiceByKey(options, points, event.key);
    if (choice) {
      event.preventDefault();
      this.#chosen(choice, null, event);
    } else if (rating !== null && this.#selected !== null) {
      event.preventDefault();
      this.#chosen(this.#selected, rating, event);
    } else if (rating !== null && this.#isReady(event)) {
      this.#view.tell(_("First choose with an arrow key, then say how sure you are."));
    }
  }

  /**
   * @param {Choice} choice
   * @param {number | null} rating
   * @param {MouseEvent | KeyboardEvent} event
   */
  #chosen(choice, rating, event) {
    if (!this.#isReady(event)) return;
    const painted = /** @type {Painted} */ (this.#painted);
    const { settings } = this.#showing;
    if (event.timeStamp < painted.paintedAt + settings.least_ms) {
      this.#early += 1;
      this.#view.tell(_("Please look at the maps a little longer, and then answer."));
    } else if (settings.confidence > 0 && rating === null) {
      this.#selected = choice;
      this.#noted.selected_ms = tenth(event.timeStamp - painted.paintedAt);
      this.#view.select(choice);
      this.#view.tell(`${optionOf(choice, settings.confidence).name}: ${_("How sure are you?")}`);
    } else {
      this.#answer(choice, rating, event);
    }
  }

  /**
   * @param {Event} event
   * @returns {boolean} whether it is meant for this trial
   */
  #isReady(event) {
    if (this.#painted === null || this.#listening.signal.aborted) return false;
    const late = event.timeStamp - (this.#showing.previousAnswerAt ?? -Infinity);
    if (event instanceof MouseEvent && event.detail > 1 && late < DOUBLE_CLICK_MS) return false;
    return event.timeStamp >= this.#painted.paintedAt + GUARD_MS;
  }

  /**
   * @param {Choice | "timeout"} choice
   * @param {number | null} rating
   * @param {Event | null} event null when the time was up
   */
  async #answer(choice, rating, event) {
    this.#listening.abort();
    this.#view.root.dataset.answer = choice;
    this.#view.tell("");
    const measured = this.#measure(choice, event);
    if (rating !== null) measured.confidence = rating;
    const { reason } = this.#view;
    if (reason && choice !== "timeout") measured.reason = reason;
    await this.#showing.answered(measured);
    this.#finish({ choice, rt: measured.rt_ms });
  }

  /**
   * @param {Choice | "timeout"} choice
   * @param {Event | null} event
   * @returns {Measured}
   */
  #measure(choice, event) {
    const { previousAnswerAt, decodeMs, prepared, settings } = this.#showing;
    const { paintedAt, frameMs } = /** @type {Painted} */ (this.#painted);
    const answeredAt = event?.timeStamp ?? performance.now();
    if (settings.least_ms > 0) this.#noted.early = this.#early;
    if (this.#view.controls) this.#noted.view = this.#view.controls.usesSince(paintedAt);
    return {
      choice,
      rt_ms: tenth(answeredAt - paintedAt),
      timing: {
        painted_at: tenth(performance.timeOrigin + paintedAt),
        answered_at: tenth(performance.timeOrigin + answeredAt),
        gap_ms: previousAnswerAt === null ? null : tenth(paintedAt - previousAnswerAt),
        decode_ms: tenth(decodeMs),
        frame_ms: tenth(frameMs),
        handler_delay_ms: tenth(performance.now() - answeredAt),
        input: event ? inputKind(event) : "none",
        viewport: [window.innerWidth, window.innerHeight],
        device_pixel_ratio: window.devicePixelRatio,
        showings: prepared.showings,
        ...this.#absences.asTiming(),
        ...this.#noted,
      },
    };
  }
}

/** Finishes with `{choice, rt}`; both are null when the trial was taken off the screen. */
export class ForcedChoicePlugin {
  static info = {
    name: "harmony-forced-choice",
    version: "2.0.0",
    parameters: {
      /** The trial to show, a Showing in a Box. */
      box: { type: ParameterType.OBJECT },
    },
    data: {
      choice: { type: ParameterType.STRING },
      rt: { type: ParameterType.FLOAT },
    },
  };

  /** @param {any} jsPsych */
  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  /**
   * @param {HTMLElement} display
   * @param {{box: {content: Showing}}} parameters
   */
  trial(display, { box }) {
    new Turn(display, box.content, (data) => this.jsPsych.finishTrial(data));
  }
}
