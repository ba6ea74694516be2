// @ts-check
/** What is shown in place of a trial when there is none, with buttons to go on: a jsPsych 8 plugin. */

import { button, element } from "./dom.js";
import { _, interpolate } from "./text.js";

/**
 * @typedef {object} Action
 * @property {string} name what its button says
 * @property {() => Promise<void>} act the screen goes when this resolves
 *
 * @typedef {object} Rest
 * @property {string} title
 * @property {string} text
 * @property {Action[]} actions the last one is the way on
 * @property {AbortSignal} signal takes the screen away
 */

const { ParameterType } = /** @type {any} */ (globalThis).jsPsychModule;

/**
 * @param {AbortSignal} signal
 * @param {Action["act"]} lookAgain
 * @returns {Rest}
 */
export const pausedRest = (signal, lookAgain) => ({
  title: _("The study is paused"),
  text: _("The researchers have paused it. All your answers are kept, and you go on where you stopped."),
  actions: [{ name: _("Look again"), act: lookAgain }],
  signal,
});

/**
 * @param {AbortSignal} signal
 * @param {Action["act"]} finish
 * @returns {Rest}
 */
export const closedRest = (signal, finish) => ({
  title: _("The study is closed"),
  text: _("It gives out no more trials. All your answers are kept. Thank you for taking part."),
  actions: [{ name: _("Finish"), act: finish }],
  signal,
});

/**
 * @param {AbortSignal} signal
 * @param {Action["act"]} undo
 * @param {Action["act"]} finish
 * @returns {Rest}
 */
export const lastRest = (signal, undo, finish) => ({
  title: _("That was the last trial"),
  text: _("You can still take back your last answer."),
  actions: [
    { name: _("Undo"), act: undo },
    { name: _("Finish"), act: finish },
  ],
  signal,
});

/**
 * @param {AbortSignal} signal
 * @param {import("./types.js").Progress} progress
 * @param {Action["act"]} goOn
 * @returns {Rest}
 */
export const breakRest = (signal, { answered, total }, goOn) => ({
  title: _("Time for a short break"),
  text: interpolate(_("You have answered %(answered)s of %(total)s trials. Rest your eyes, and go on when you like."), {
    answered,
    total,
  }),
  actions: [{ name: _("Go on"), act: goOn }],
  signal,
});

/**
 * After a trial that ran out of time: nobody's trials pass by while they are away.
 * @param {AbortSignal} signal
 * @param {Action["act"]} goOn
 * @returns {Rest}
 */
export const timeUpRest = (signal, goOn) => ({
  title: _("The time for this trial was up"),
  text: _("That is all right. The next trial comes when you are ready."),
  actions: [{ name: _("Next trial"), act: goOn }],
  signal,
});

/** Finishes without data. */
export class RestScreenPlugin {
  static info = {
    name: "harmony-rest-screen",
    version: "1.0.0",
    parameters: {
      /** What to show, a Rest in a Box. */
      box: { type: ParameterType.OBJECT },
    },
    data: {},
  };

  /** @param {any} jsPsych */
  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  /**
   * @param {HTMLElement} display
   * @param {{box: {content: Rest}}} parameters
   */
  trial(display, { box: { content: rest } }) {
    const listening = new AbortController();
    const { signal } = listening;
    const finish = () => {
      if (signal.aborted) return;
      listening.abort();
      this.jsPsych.finishTrial({});
    };
    rest.signal.addEventListener("abort", finish, { signal });

    const title = element("h2", "", rest.title);
    title.tabIndex = -1;
    const buttons = element("div", "rest-actions");
    for (const { name, act } of rest.actions) {
      const made = button("rest-action", name);
      made.addEventListener("click", (event) => {
        // The second click of a double click was meant for the trial before.
        if (event.detail > 1) return;
        for (const each of buttons.querySelectorAll("button")) each.disabled = true;
        act().then(finish);
      });
      buttons.append(made);
    }
    display.replaceChildren(element("div", "rest", title, element("p", "", rest.text), buttons));
    // Read out, and next to the buttons for the Tab key; Enter, perhaps still held down, presses none of them.
    title.focus();
  }
}
