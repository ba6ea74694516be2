// @ts-check
/** jsPsych's own plugins, loaded when a page of the protocol asks for one. */

import { Unreachable } from "./connection.js";

/** @typedef {{name: string, script: string, global: string}} Stock */

/** jsPsych's plugin for forms, with which questionnaires are shown. */
const FORM = "survey-html-form";

/**
 * @param {Stock} stock
 * @returns {Promise<void>}
 */
function loadScript({ name, script }) {
  return new Promise((resolve, reject) => {
    const tag = document.createElement("script");
    tag.src = script;
    tag.addEventListener("load", () => resolve());
    tag.addEventListener("error", () => {
      tag.remove();
      reject(new Unreachable(`The plugin ${name} could not be loaded`));
    });
    document.head.append(tag);
  });
}

/**
 * @param {import("./connection.js").Connection} connection
 * @param {Stock} stock
 * @returns {Promise<any>} the plugin's class
 */
export async function stockPlugin(connection, stock) {
  const globals = /** @type {any} */ (globalThis);
  if (!globals[stock.global]) await connection.persist(() => loadScript(stock));
  return globals[stock.global];
}

/**
 * @param {string} script its address
 * @returns {Stock}
 */
export const formPlugin = (script) => ({ name: FORM, script, global: "jsPsychSurveyHtmlForm" });
