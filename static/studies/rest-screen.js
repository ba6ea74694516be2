// @ts-check
/** What is shown in place of a trial when there is none, with buttons to go on: a jsPsych 8 plugin. */

import { _ } from "./text.js";

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
 * @param {Action} action
 * @returns {HTMLButtonElement}
 */
function actionButton({ name }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "rest-action";
  button.textContent = name;
  return button;
}

/** Finishes without data. */
export class RestScreenPlugin {
  static info = {
    name: "harmony-rest-screen",
    version: "1.0.0",
    parameters: {
      /** What to show, a Rest. */
      rest: { type: ParameterType.OBJECT },
    },
    data: {},
  };

  /** @param {any} jsPsych */
  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  /**
   * @param {HTMLElement} display
   * @param {{rest: Rest}} parameters
   */
  trial(display, { rest }) {
    const listening = new AbortController();
    const { signal } = listening;
    const finish = () => {
      if (signal.aborted) return;
      listening.abort();
      this.jsPsych.finishTrial({});
    };
    rest.signal.addEventListener("abort", finish, { signal });

    const title = document.createElement("h2");
    title.textContent = rest.title;
    title.tabIndex = -1;
    const text = document.createElement("p");
    text.textContent = rest.text;
    const buttons = document.createElement("div");
    buttons.className = "rest-actions";
    for (const action of rest.actions) {
      const button = actionButton(action);
      button.addEventListener("click", (event) => {
        // The second click of a double click was meant for the trial before.
        if (event.detail > 1) return;
        for (const each of buttons.querySelectorAll("button")) each.disabled = true;
        action.act().then(finish);
      });
      buttons.append(button);
    }
    const view = document.createElement("div");
    view.className = "rest";
    view.append(title, text, buttons);
    display.replaceChildren(view);
    // Read out, and next to the buttons for the Tab key; Enter, perhaps still held down, presses none of them.
    title.focus();
  }
}
