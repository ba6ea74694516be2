// @ts-check
/** The answers to a trial: their names, their keys, and the rating that may go with them. */

import { _, interpolate } from "./text.js";

/** @typedef {import("./types.js").Choice} Choice */
/** @typedef {{name: string, keys: string[]}} Option keys as `KeyboardEvent.key`, with a rating the last one alone */

/** @type {Readonly<Record<string, string>>} */
const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** @type {Readonly<Record<Choice, () => Option>>} */
const OPTIONS = {
  left: () => ({ name: _("Left map"), keys: ["1", "ArrowLeft"] }),
  right: () => ({ name: _("Right map"), keys: ["2", "ArrowRight"] }),
  neither: () => ({ name: _("Neither"), keys: ["3", "ArrowDown"] }),
  equal: () => ({ name: _("Equally good"), keys: ["3", "ArrowUp"] }),
  both_bad: () => ({ name: _("Both bad"), keys: ["4", "ArrowDown"] }),
};

/**
 * @param {Choice} choice
 * @param {number} points of the rating, whose numbers are then its own
 * @returns {Option}
 */
export function optionOf(choice, points) {
  const { name, keys } = OPTIONS[choice]();
  return { name, keys: points > 0 ? keys.slice(-1) : keys };
}

/** @param {string} key */
export const keySign = (key) => SIGNS[key] ?? key;

/**
 * @param {readonly Choice[]} options that are offered
 * @param {number} points
 * @param {string} key
 * @returns {Choice | undefined}
 */
export const choiceByKey = (options, points, key) =>
  options.find((choice) => optionOf(choice, points).keys.includes(key));

/**
 * @param {number} points
 * @param {string} key
 * @returns {number | null} from 1
 */
export function ratingByKey(points, key) {
  const rating = /^[1-9]$/.test(key) ? Number(key) : 0;
  return rating >= 1 && rating <= points ? rating : null;
}

/**
 * @param {number} points
 * @returns {string[]} what stands on the buttons, the least sure first
 */
export function ratingLabels(points) {
  if (points === 3) return [_("hardly"), _("rather"), _("very")];
  return Array.from({ length: points }, (_unused, index) => String(index + 1));
}

/**
 * @param {number} points
 * @param {number} rating
 * @returns {string} said after the name of the option
 */
export function ratingSpoken(points, rating) {
  const label = ratingLabels(points)[rating - 1];
  return points === 3 ? label : interpolate(_("%(rating)s of %(points)s"), { rating: label, points });
}
