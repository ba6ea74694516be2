// @ts-check
/**
 * Sliders over a trial: how strongly the maps lie over the picture, and how far all three are enlarged, about which
 * point. Both maps are always treated alike, and every trial starts with the maps alone, at their own size.
 */

import { button, element } from "./dom.js";
import { number } from "./numbers.js";
import { _ } from "./text.js";

/** Each use of a slider is noted, up to this many. */
const MOST_NOTES = 100;

/** @typedef {{name: string, least: number, most: number, step: number, start: number, unit: string}} Slider */

/** @returns {Record<string, Slider>} */
const sliders = () => ({
  strength: { name: _("Map opacity"), least: 0, most: 100, step: 5, start: 100, unit: " %" },
  zoom: { name: _("Zoom"), least: 1, most: 4, step: 0.5, start: 1, unit: "×" },
  across: { name: _("Left to right"), least: 0, most: 100, step: 5, start: 50, unit: " %" },
  down: { name: _("Top to bottom"), least: 0, most: 100, step: 5, start: 50, unit: " %" },
});

/** @typedef {{control: string, value: number | null, at: number}} Use */

export class ViewControls {
  root = element("div", "view-controls");
  /** @type {Use[]} */
  #uses = [];
  #view;

  /** @param {HTMLElement} view whose pictures are changed */
  constructor(view) {
    this.#view = view;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", _("View of the maps"));
    for (const [control, slider] of Object.entries(sliders())) this.root.append(this.#sliderView(control, slider));
    const reset = button("quiet-button", _("Reset the view"));
    reset.addEventListener("click", () => this.#reset());
    this.root.append(reset);
    this.#apply();
  }

  /**
   * @param {number} paintedAt
   * @returns {{control: string, value: number | null, ms: number}[]} what was done, in order, since the trial was painted
   */
  usesSince(paintedAt) {
    return this.#uses.map(({ control, value, at }) => ({ control, value, ms: Math.round(at - paintedAt) }));
  }

  /**
   * @param {string} control
   * @param {Slider} slider
   */
  #sliderView(control, { name, least, most, step, start, unit }) {
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: least, max: most, step, value: start, id: `view-${control}` });
    input.dataset.control = control;
    input.dataset.start = String(start);
    input.dataset.unit = unit;
    input.addEventListener("input", () => this.#apply());
    input.addEventListener("change", (event) => this.#note(control, Number(input.value), event.timeStamp));
    const label = element("label", "", name);
    label.setAttribute("for", input.id);
    const output = element("output", "");
    output.setAttribute("for", input.id);
    return element("div", `view-control view-${control}`, label, output, input);
  }

  /** @returns {HTMLInputElement[]} */
  get #inputs() {
    return [...this.root.querySelectorAll("input")];
  }

  #apply() {
    for (const input of this.#inputs) {
      const { control, unit } = input.dataset;
      this.#view.style.setProperty(`--${control}`, input.value);
      const text = `${number(Number(input.value))}${unit}`;
      input.setAttribute("aria-valuetext", text);
      const output = input.parentElement?.querySelector("output");
      if (output) output.textContent = text;
      // Where nothing is enlarged there is nothing to move.
      if (control === "zoom") this.root.dataset.zoomed = String(Number(input.value) > 1);
    }
    for (const input of this.#inputs.slice(2)) input.disabled = this.root.dataset.zoomed !== "true";
  }

  #reset() {
    for (const input of this.#inputs) input.value = input.dataset.start ?? "";
    this.#apply();
    this.#note("reset", null, performance.now());
  }

  /**
   * @param {string} control
   * @param {number | null} value
   * @param {number} at
   */
  #note(control, value, at) {
    if (this.#uses.length < MOST_NOTES) this.#uses.push({ control, value, at });
  }
}
