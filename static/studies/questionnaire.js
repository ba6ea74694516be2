// @ts-check
/** A form schema as an accessible form, in HTML for jsPsych's survey-html-form, and what was entered as answers. */

import { element } from "./dom.js";
import { _, interpolate, ngettext } from "./text.js";

/** @typedef {import("./types.js").FormField} FormField */
/** @typedef {{name: string, value: string}} Pair a control and what is entered in it, as survey-html-form gives it */
/** @typedef {Record<string, string | number | string[]>} Answers */
/** @typedef {Record<string, string>} Faults by the fields' names */

const GROUPS = new Set(["choice", "choices", "scale"]);

/** @param {FormField} field */
const controlId = ({ name }) => `field-${name}`;

/**
 * @param {string} tag
 * @param {Record<string, string | number | null | undefined>} attributes those without a value are left out
 */
function control(tag, attributes) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== "") made.setAttribute(name, String(value));
  }
  return made;
}

/**
 * @param {FormField} field
 * @param {string} [tag]
 */
function caption(field, tag = "span") {
  const made = element(tag, "field-name", field.label);
  if (!field.required) made.append(" ", element("span", "field-optional", _("(optional)")));
  return made;
}

/**
 * A line to write in, or several.
 * @param {FormField} field
 */
function entry(field) {
  const shared = { id: controlId(field), name: field.name };
  if (field.kind === "textarea") return control("textarea", { ...shared, rows: 4, maxlength: field.longest });
  if (field.kind === "text") return control("input", { ...shared, type: "text", maxlength: field.longest });
  const { minimum: min, maximum: max } = field;
  return control("input", { ...shared, type: "number", step: "any", inputmode: "decimal", min, max });
}

/**
 * @param {FormField} field
 * @param {string} type
 * @param {string} value
 * @param {string} text
 * @param {string} [spoken]
 */
function option(field, type, value, text, spoken) {
  const input = control("input", { type, name: field.name, value, "aria-label": spoken });
  return element("label", "field-option", input, element("span", "", text));
}

/** @param {FormField} field */
function scale({ name, points, low, high, ...rest }) {
  const field = /** @type {FormField} */ ({ name, points, low, high, ...rest });
  const marks = Array.from({ length: points }, (_unused, index) => {
    const value = String(index + 1);
    const end = index === 0 ? low : index === points - 1 ? high : "";
    return option(field, "radio", value, value, end ? `${value}: ${end}` : undefined);
  });
  const row = element("div", "field-scale", ...marks);
  row.dataset.points = String(points);
  if (!low && !high) return row;
  const ends = element("div", "field-ends", element("span", "", low), element("span", "", high));
  ends.setAttribute("aria-hidden", "true");
  return element("div", "", row, ends);
}

/**
 * @param {FormField} field
 * @returns {Node[]}
 */
function choices(field) {
  if (field.kind === "scale") return [scale(field)];
  const type = field.kind === "choice" ? "radio" : "checkbox";
  return field.options.map((text) => option(field, type, text, text));
}

/** @param {FormField} field */
function fieldView(field) {
  const help = field.help ? element("p", "hint", field.help) : null;
  if (help) help.id = `${controlId(field)}-help`;
  const isGroup = GROUPS.has(field.kind);
  const view = isGroup ? element("fieldset", "field", caption(field, "legend")) : element("div", "field");
  view.dataset.field = field.name;
  if (!isGroup) {
    const label = caption(field, "label");
    label.setAttribute("for", controlId(field));
    view.append(label);
  }
  if (help) view.append(help);
  if (isGroup) view.append(...choices(field));
  else view.append(entry(field));
  const described = isGroup ? view : /** @type {Element} */ (view.querySelector("input, textarea"));
  if (help) described.setAttribute("aria-describedby", help.id);
  if (!isGroup && field.required) described.setAttribute("aria-required", "true");
  return view;
}

/**
 * @param {FormField[]} fields
 * @returns {string} the form's inner HTML
 */
export function formHtml(fields) {
  const form = element("div", "", ...fields.map(fieldView));
  const summary = element("p", "error form-faults");
  summary.setAttribute("role", "alert");
  summary.hidden = true;
  form.prepend(summary);
  if (fields.some(({ required }) => !required)) {
    form.prepend(element("p", "hint", _("Please answer every question that is not marked as optional.")));
  }
  return form.innerHTML;
}

/**
 * Enters what was entered before.
 * @param {HTMLFormElement} form
 * @param {Pair[]} pairs
 */
export function fillForm(form, pairs) {
  for (const { name, value } of pairs) {
    for (const found of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (found instanceof HTMLTextAreaElement) found.value = value;
      if (!(found instanceof HTMLInputElement)) continue;
      if (found.type === "radio" || found.type === "checkbox") found.checked ||= found.value === value;
      else found.value = value;
    }
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {Pair[]}
 */
export const pairsIn = (form) =>
  [...new FormData(form)].map(([name, value]) => ({ name, value: String(value) })).filter(({ value }) => value !== "");

/**
 * @param {FormField[]} fields
 * @param {Pair[]} pairs
 * @returns {Answers} as the server takes them; without what was left empty
 */
export function answersIn(fields, pairs) {
  /** @type {Answers} */
  const answers = {};
  for (const { name, kind } of fields) {
    const given = pairs.filter((pair) => pair.name === name).map(({ value }) => value.trim()).filter(Boolean);
    if (given.length === 0) continue;
    if (kind === "choices") answers[name] = given;
    else answers[name] = kind === "number" || kind === "scale" ? Number(given[0]) : given[0];
  }
  return answers;
}

/**
 * @param {FormField[]} fields
 * @param {HTMLFormElement} form
 * @returns {Faults} what keeps it from being sent; the server looks for itself
 */
export function faultsIn(fields, form) {
  const answers = answersIn(fields, pairsIn(form));
  /** @type {Faults} */
  const faults = {};
  for (const { name, kind, required, minimum, maximum } of fields) {
    const answer = answers[name];
    const input = form.querySelector(`[name="${CSS.escape(name)}"]`);
    // A number field that holds no number has no value.
    const isNoNumber = input instanceof HTMLInputElement && input.validity.badInput;
    if (isNoNumber) faults[name] = _("Please enter a number.");
    else if (answer === undefined && required) faults[name] = _("Please answer this question.");
    else if (kind === "number" && answer !== undefined && minimum !== null && Number(answer) < minimum) {
      faults[name] = interpolate(_("This must be %(least)s or more."), { least: minimum });
    } else if (kind === "number" && answer !== undefined && maximum !== null && Number(answer) > maximum) {
      faults[name] = interpolate(_("This must be %(most)s or less."), { most: maximum });
    }
  }
  return faults;
}

/**
 * Says at each field what is wrong with it, and goes to the first.
 * @param {HTMLFormElement} form
 * @param {Faults} faults
 */
export function showFaults(form, faults) {
  tellFaults(form, faults);
  const first = form.querySelector("[aria-invalid=true]");
  if (first instanceof HTMLElement) first.focus();
}

/**
 * Takes back what was said about fields that are all right by now.
 * @param {FormField[]} fields
 * @param {HTMLFormElement} form
 */
export function mendFaults(fields, form) {
  const told = [...form.querySelectorAll("[data-field]:has(.field-fault)")].map((view) => view.getAttribute("data-field"));
  if (told.length === 0) return;
  const left = Object.entries(faultsIn(fields, form)).filter(([name]) => told.includes(name));
  if (left.length < told.length) tellFaults(form, Object.fromEntries(left));
}

/**
 * @param {HTMLFormElement} form
 * @param {Faults} faults
 */
function tellFaults(form, faults) {
  for (const stale of form.querySelectorAll(".field-fault")) stale.remove();
  for (const view of form.querySelectorAll("[data-field]")) {
    if (!(view instanceof HTMLElement)) continue;
    const { field = "" } = view.dataset;
    const controls = [...view.querySelectorAll("input, textarea")];
    const described = view.tagName === "FIELDSET" ? view : controls[0];
    const helpId = view.querySelector(".hint")?.id ?? "";
    const fault = faults[field];
    const ids = [helpId];
    for (const each of controls) each.toggleAttribute("aria-invalid", false);
    if (fault) {
      const text = element("p", "field-fault", fault);
      text.id = `field-${field}-fault`;
      ids.push(text.id);
      view.append(text);
      for (const each of controls) each.setAttribute("aria-invalid", "true");
    }
    const description = ids.filter(Boolean).join(" ");
    if (description) described.setAttribute("aria-describedby", description);
    else described.removeAttribute("aria-describedby");
  }
  const count = Object.keys(faults).length;
  const summary = /** @type {HTMLElement} */ (form.querySelector(".form-faults"));
  const format = ngettext("Please look at %(count)s question again.", "Please look at %(count)s questions again.", count);
  summary.textContent = interpolate(format, { count });
  summary.hidden = count === 0;
}
