// @ts-check
/** What is said after a practice trial, under the maps that it is about: a jsPsych 8 plugin. */

import { button, element } from "./dom.js";
import { _, interpolate } from "./text.js";
import { optionOf } from "./trial-options.js";

/**
 * @typedef {object} Feedback
 * @property {import("./types.js").Pictures} pictures
 * @property {string} choice what was answered
 * @property {boolean} correct
 * @property {string} text why, in the researchers' words
 */

const { ParameterType } = /** @type {any} */ (globalThis).jsPsychModule;

/**
 * @param {string} caption
 * @param {HTMLImageElement} picture
 * @param {boolean} isChosen
 */
function figure(caption, picture, isChosen) {
  const told = element("figcaption", "", caption);
  const made = element("figure", isChosen ? "feedback-picture feedback-chosen" : "feedback-picture", picture, told);
  picture.alt = "";
  return made;
}

/** @param {Feedback} feedback */
function chosenText({ choice }) {
  if (choice === "timeout") return _("You gave no answer in time.");
  const { name } = optionOf(/** @type {import("./types.js").Choice} */ (choice), 0);
  return interpolate(_("Your answer: %(answer)s."), { answer: name });
}

/** Finishes without data. */
export class FeedbackScreenPlugin {
  static info = {
    name: "harmony-feedback",
    version: "1.0.0",
    parameters: {
      /** What to show, a Feedback in a Box. */
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
   * @param {{box: {content: Feedback}}} parameters
   */
  trial(display, { box: { content } }) {
    const { pictures, choice, correct, text } = content;
    const mark = element("span", "feedback-mark", correct ? "✓" : "✗");
    mark.setAttribute("aria-hidden", "true");
    const title = element("h2", "", mark, correct ? _("That is right") : _("That is not right"));
    title.tabIndex = -1;
    const figures = element(
      "div",
      "feedback-pictures",
      figure(_("Picture"), pictures.image, false),
      figure(_("Left map"), pictures.left, choice === "left"),
      figure(_("Right map"), pictures.right, choice === "right"),
    );
    const next = button("rest-action", _("Go on"));
    next.addEventListener("click", (event) => {
      // The second click of a double click was meant for the trial.
      if (event.detail > 1) return;
      next.disabled = true;
      this.jsPsych.finishTrial({});
    });
    const view = element("div", "rest feedback", title, element("p", "", chosenText(content)), figures);
    if (text) view.append(element("p", "feedback-text", text));
    view.append(element("div", "rest-actions", next));
    view.dataset.correct = String(correct);
    display.replaceChildren(view);
    title.focus();
  }
}
