// @ts-check
/**
 * A forced choice between two maps of one picture: a jsPsych 8 plugin.
 *
 * The reaction time starts with the second animation frame after the decoded pictures were inserted: the first
 * frame paints them, the second is the first moment at which they can be known to be on the screen. It ends at the
 * input event's own time stamp, which does not wait for this page to get round to it.
 */

import { keysAreOn } from "./answer-keys.js";
import { _, interpolateNodes } from "./text.js";

/** @typedef {import("./types.js").Choice} Choice */
/** @typedef {import("./types.js").Measured} Measured */
/** @typedef {import("./types.js").Prepared} Prepared */

/**
 * @typedef {object} Showing one trial's turn on the screen
 * @property {Prepared} prepared
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

/** @type {ReadonlyMap<string, Choice>} */
const CHOICE_BY_KEY = new Map([
  ["1", "left"],
  ["ArrowLeft", "left"],
  ["2", "right"],
  ["ArrowRight", "right"],
  ["3", "neither"],
  ["ArrowDown", "neither"],
]);

/** @type {Readonly<Record<Choice, {name: string, shortcuts: string, hints: string[]}>>} */
const OPTIONS = {
  left: { name: _("Left map"), shortcuts: "1 ArrowLeft", hints: ["1", "←"] },
  right: { name: _("Right map"), shortcuts: "2 ArrowRight", hints: ["2", "→"] },
  neither: { name: _("Neither"), shortcuts: "3 ArrowDown", hints: ["3", "↓"] },
};

/**
 * @param {string} tag
 * @param {string} className
 * @param {(Node | string)[]} children
 */
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/**
 * @param {Choice} choice
 * @param {HTMLImageElement | null} picture
 */
function optionButton(choice, picture) {
  const { name, shortcuts, hints } = OPTIONS[choice];
  const button = document.createElement("button");
  button.type = "button";
  button.className = picture ? "option option-map" : "option option-neither";
  button.dataset.choice = choice;
  button.setAttribute("aria-keyshortcuts", shortcuts);
  const keys = element("span", "keys", ...hints.map((hint) => element("kbd", "key", hint)));
  keys.setAttribute("aria-hidden", "true");
  if (picture) button.append(picture);
  button.append(element("span", "option-label", element("span", "option-name", name), keys));
  return button;
}

/** @param {Prepared} prepared */
function trialView({ assignment, pictures }) {
  const question = element("h2", "question", assignment.question);
  question.id = "question";
  pictures.image.alt = _("The picture that the network was shown");
  const prediction = element("b", "", assignment.prediction);
  const answer = interpolateNodes(_("The network’s answer: %(prediction)s"), { prediction });
  const caption = element("figcaption", "prediction", ...answer);
  const maps = element("div", "maps", optionButton("left", pictures.left), optionButton("right", pictures.right));
  const view = element(
    "div",
    "trial",
    element("figure", "subject", pictures.image, caption),
    question,
    maps,
  );
  if (assignment.options.includes("neither")) view.append(optionButton("neither", null));
  view.setAttribute("role", "group");
  view.setAttribute("aria-labelledby", "question");
  return view;
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<{paintedAt: number, frameMs: number}>} never settles when aborted
 */
function secondFrame(signal) {
  return new Promise((resolve) => {
    requestAnimationFrame((first) => {
      requestAnimationFrame((second) => {
        if (!signal.aborted) resolve({ paintedAt: second, frameMs: second - first });
      });
    });
  });
}

/** @param {Event} event */
function inputKind(event) {
  if (event instanceof KeyboardEvent) return "keyboard";
  // Enter, Space and assistive technology press a button without a pointer.
  if (event instanceof PointerEvent && event.detail > 0 && event.pointerType) return event.pointerType;
  return event instanceof MouseEvent && event.detail > 0 ? "mouse" : "keyboard";
}

/** @param {number} value */
const tenth = (value) => Math.round(value * 10) / 10;

/** Counts how often, and for how long, the page is out of sight while a trial is on. */
class Absences {
  hidden = 0;
  hiddenMs = 0;
  blurred = 0;
  /** @type {number | null} */
  #since = null;

  /** @param {AbortSignal} signal */
  constructor(signal) {
    document.addEventListener("visibilitychange", () => this.#visibility(), { signal });
    window.addEventListener("blur", () => (this.blurred += 1), { signal });
  }

  #visibility() {
    if (document.visibilityState === "hidden") {
      this.hidden += 1;
      this.#since = performance.now();
    } else if (this.#since !== null) {
      this.hiddenMs += performance.now() - this.#since;
      this.#since = null;
    }
  }
}

/** Finishes with `{choice, rt}`; both are null when the trial was taken off the screen. */
export class ForcedChoicePlugin {
  static info = {
    name: "harmony-forced-choice",
    version: "1.0.0",
    parameters: {
      /** The trial to show, a Showing. */
      showing: { type: ParameterType.OBJECT },
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
   * @param {{showing: Showing}} parameters
   */
  trial(display, { showing }) {
    const listening = new AbortController();
    const { signal } = listening;
    const absences = new Absences(signal);
    const view = trialView(showing.prepared);
    /** @type {{paintedAt: number, frameMs: number} | null} */
    let painted = null;

    /**
     * @param {Choice} choice
     * @param {Event} event
     */
    const answer = async (choice, event) => {
      if (painted === null || signal.aborted) return;
      const late = event.timeStamp - (showing.previousAnswerAt ?? -Infinity);
      const secondOfDouble = event instanceof MouseEvent && event.detail > 1 && late < DOUBLE_CLICK_MS;
      if (event.timeStamp < painted.paintedAt + GUARD_MS || secondOfDouble) return;
      listening.abort();
      view.dataset.answer = choice;
      const measured = this.#measure(choice, event, showing, painted, absences);
      await showing.answered(measured);
      this.jsPsych.finishTrial({ choice, rt: measured.rt_ms });
    };

    view.addEventListener(
      "click",
      (event) => {
        const button = event.target instanceof Element ? event.target.closest("[data-choice]") : null;
        if (button instanceof HTMLElement) answer(/** @type {Choice} */ (button.dataset.choice), event);
      },
      { signal },
    );
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
        if (!keysAreOn()) return;
        const choice = CHOICE_BY_KEY.get(event.key);
        if (!choice || !showing.prepared.assignment.options.includes(choice)) return;
        event.preventDefault();
        answer(choice, event);
      },
      { signal },
    );
    showing.signal.addEventListener(
      "abort",
      () => {
        listening.abort();
        this.jsPsych.finishTrial({ choice: null, rt: null });
      },
      { signal },
    );

    display.replaceChildren(view);
    secondFrame(signal).then((frames) => {
      painted = frames;
      view.dataset.painted = String(frames.paintedAt);
      if (showing.previousAnswerAt !== null) {
        performance.measure("harmony-gap", { start: showing.previousAnswerAt, end: frames.paintedAt });
      }
    });
  }

  /**
   * @param {Choice} choice
   * @param {Event} event
   * @param {Showing} showing
   * @param {{paintedAt: number, frameMs: number}} painted
   * @param {Absences} absences
   * @returns {Measured}
   */
  #measure(choice, event, showing, painted, absences) {
    const { previousAnswerAt } = showing;
    return {
      choice,
      rt_ms: tenth(event.timeStamp - painted.paintedAt),
      timing: {
        painted_at: tenth(performance.timeOrigin + painted.paintedAt),
        answered_at: tenth(performance.timeOrigin + event.timeStamp),
        gap_ms: previousAnswerAt === null ? null : tenth(painted.paintedAt - previousAnswerAt),
        decode_ms: tenth(showing.decodeMs),
        frame_ms: tenth(painted.frameMs),
        handler_delay_ms: tenth(performance.now() - event.timeStamp),
        input: inputKind(event),
        viewport: [window.innerWidth, window.innerHeight],
        device_pixel_ratio: window.devicePixelRatio,
        hidden: absences.hidden,
        hidden_ms: tenth(absences.hiddenMs),
        blurred: absences.blurred,
        showings: showing.prepared.showings,
      },
    };
  }
}
