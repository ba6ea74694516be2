// @ts-check
/** A page to read, with buttons at its end: a jsPsych 8 plugin for consent, instructions and the like. */

import { button, element } from "./dom.js";
import { interpolate, ngettext } from "./text.js";

/**
 * @typedef {object} Way
 * @property {string} name what its button says
 * @property {string} value what the page finishes with
 *
 * @typedef {object} Reading
 * @property {string} title
 * @property {string} html made by the server, which lets no script through
 * @property {Way[]} ways the first one is the main one
 * @property {number} [leastSeconds] before which the page cannot be left
 */

const { ParameterType } = /** @type {any} */ (globalThis).jsPsychModule;

/**
 * @param {string} html
 * @returns {HTMLElement}
 */
export function prose(html) {
  const view = element("div", "prose");
  view.innerHTML = html;
  return view;
}

/**
 * Keeps buttons off until the time is up, and says how long that is.
 * @param {HTMLElement} ways
 * @param {number} seconds
 */
function holdBack(ways, seconds) {
  const end = performance.now() + 1000 * seconds;
  const told = element("p", "page-hold");
  const buttons = [...ways.querySelectorAll("button")];
  for (const each of buttons) each.disabled = true;
  ways.append(told);
  const look = () => {
    if (!ways.isConnected) return;
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      for (const each of buttons) each.disabled = false;
      told.remove();
      return;
    }
    const format = ngettext("You can go on in %(count)s second.", "You can go on in %(count)s seconds.", left);
    told.textContent = interpolate(format, { count: left });
    setTimeout(look, 250);
  };
  // From the next task on, when the page is in the document.
  setTimeout(look);
}

/** Finishes with `{value}`, that of the button that was pressed. */
export class PageScreenPlugin {
  static info = {
    name: "harmony-page",
    version: "1.0.0",
    parameters: {
      /** What to show, a Reading in a Box. */
      box: { type: ParameterType.OBJECT },
    },
    data: { value: { type: ParameterType.STRING } },
  };

  /** @param {any} jsPsych */
  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  /**
   * @param {HTMLElement} display
   * @param {{box: {content: Reading}}} parameters
   */
  trial(display, { box: { content } }) {
    const title = element("h2", "page-title", content.title);
    title.tabIndex = -1;
    const ways = element("div", "page-ways");
    content.ways.forEach(({ name, value }, index) => {
      const made = button(index === 0 ? "button" : "button button-quiet", name);
      made.addEventListener("click", (event) => {
        // The second click of a double click was meant for the page before.
        if (event.detail > 1) return;
        for (const each of ways.querySelectorAll("button")) each.disabled = true;
        this.jsPsych.finishTrial({ value });
      });
      ways.append(made);
    });
    if (content.leastSeconds) holdBack(ways, content.leastSeconds);
    display.replaceChildren(element("article", "page-sheet card", title, prose(content.html), ways));
    title.focus({ preventScroll: true });
  }
}
