// @ts-check
/**
 * Texts in the language of the page. The page's template loads the catalogue first (`{% catalogue_script %}`); without
 * one, and for a text that it does not have, the English text stands.
 *
 * `bin/translations` collects the texts, so each must be written out where `_` or `ngettext` is called.
 */

import { number } from "./numbers.js";

const PLACEHOLDER = /%\((\w+)\)s/;

/** @type {{gettext?: (text: string) => string, ngettext?: (one: string, many: string, count: number) => string}} */
const catalogue = /** @type {any} */ (globalThis).django ?? {};

/**
 * @param {string} text in English
 * @returns {string}
 */
export const _ = (text) => catalogue.gettext?.(text) ?? text;

/**
 * @param {string} one in English, for a single one
 * @param {string} many in English, for any other number
 * @param {number} count decides between the language's plural forms
 * @returns {string} with its placeholders still in it
 */
export const ngettext = (one, many, count) =>
  catalogue.ngettext?.(one, many, count) ?? (count === 1 ? one : many);

/**
 * @param {string} format text with placeholders like `%(count)s`
 * @param {Readonly<Record<string, Node | string | number>>} values
 * @returns {(Node | string)[]} the text with the values in their places, ready for `append`
 */
export const interpolateNodes = (format, values) =>
  format
    .split(PLACEHOLDER)
    .map((part, index) => {
      if (index % 2 === 0) return part;
      const value = values[part] ?? `%(${part})s`;
      if (value instanceof Node) return value;
      return typeof value === "number" ? number(value) : value;
    })
    .filter((part) => part !== "");

/**
 * @param {string} format text with placeholders like `%(count)s`
 * @param {Readonly<Record<string, string | number>>} values
 * @returns {string}
 */
export const interpolate = (format, values) => interpolateNodes(format, values).join("");
