// @ts-check
/** Numbers and times of day as people read them, in the language of the page. What programs read is not written here. */

const language = document.documentElement.lang || "en";
// Not in groups: years, lines and positions are no amounts. More decimals than are meant say nothing.
const format = new Intl.NumberFormat(language, { useGrouping: false, maximumFractionDigits: 12 });
const ofDay = new Intl.DateTimeFormat(language, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/**
 * @param {number} value
 * @returns {string} such as `2.5`, in German `2,5`
 */
export const number = (value) => format.format(value);

/**
 * @param {Date} at
 * @returns {string} such as `17:37:05`
 */
export const timeOfDay = (at) => ofDay.format(at);
