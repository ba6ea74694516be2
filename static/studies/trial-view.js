// @ts-check
/** What a trial looks like: the picture, the question, two maps, and the answers beside them. */

import { button, element, required } from "./dom.js";
import { number } from "./numbers.js";
import { _, interpolateNodes, ngettext } from "./text.js";
import { keySign, optionOf, ratingLabels, ratingSpoken } from "./trial-options.js";
import { ViewControls } from "./view-controls.js";

/** @typedef {import("./types.js").Choice} Choice */
/** @typedef {import("./types.js").Prepared} Prepared */
/** @typedef {import("./types.js").Settings} Settings */

const LONGEST_REASON = 2000;

/** Whether the field for reasons is open; it stays so from trial to trial. */
let isReasonOpen = false;

/** @param {string[]} hints */
function keyHints(hints) {
  const keys = element("span", "keys", ...hints.map((hint) => element("kbd", "key", hint)));
  keys.setAttribute("aria-hidden", "true");
  return keys;
}

/**
 * A map in a frame that keeps its size when the map is covered or enlarged.
 * @param {HTMLImageElement} map
 * @param {HTMLImageElement | null} beneath the picture, where it may show through
 */
function framed(map, beneath) {
  const frame = element("span", "frame");
  if (beneath) {
    const picture = /** @type {HTMLImageElement} */ (beneath.cloneNode());
    picture.alt = "";
    picture.className = "beneath";
    frame.append(picture);
  }
  map.classList.add("map");
  frame.append(map);
  return frame;
}

/**
 * @param {Choice} choice
 * @param {number} points
 * @param {HTMLElement | null} picture
 */
function optionButton(choice, points, picture) {
  const { name, keys } = optionOf(choice, points);
  const made = button(picture ? "option option-map" : "option option-tie");
  made.dataset.choice = choice;
  made.setAttribute("aria-keyshortcuts", keys.join(" "));
  // With a rating, the option alone is no answer yet.
  if (points > 0) made.setAttribute("aria-pressed", "false");
  if (picture) made.append(picture);
  made.append(element("span", "option-label", element("span", "option-name", name), keyHints(keys.map(keySign))));
  return made;
}

/**
 * The buttons that answer with an option and a rating at once.
 * @param {Choice} choice
 * @param {number} points
 */
function ratingRow(choice, points) {
  const { name } = optionOf(choice, points);
  const buttons = ratingLabels(points).map((label, index) => {
    const made = button("rating", element("span", "rating-name", label));
    made.dataset.choice = choice;
    made.dataset.rating = String(index + 1);
    made.setAttribute("aria-label", `${name}: ${ratingSpoken(points, index + 1)}`);
    return made;
  });
  const row = element("div", "ratings", ...buttons);
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", name);
  if (points === 3) return row;
  const ends = element("div", "rating-ends", element("span", "", _("unsure")), element("span", "", _("sure")));
  ends.setAttribute("aria-hidden", "true");
  return element("div", "rated", row, ends);
}

/**
 * @param {Choice} choice
 * @param {number} points
 * @param {HTMLElement | null} picture
 */
function optionView(choice, points, picture) {
  const made = optionButton(choice, points, picture);
  return points > 0 ? element("div", "side", made, ratingRow(choice, points)) : made;
}

function reasonField() {
  const toggle = button("quiet-button reason-toggle", _("Add a reason"));
  toggle.setAttribute("aria-controls", "reason-field");
  const label = element("label", "", _("Your reason (optional), before you answer"));
  label.setAttribute("for", "reason");
  const text = document.createElement("textarea");
  text.id = "reason";
  text.maxLength = LONGEST_REASON;
  text.rows = 2;
  const field = element("div", "reason-field", label, text);
  field.id = "reason-field";
  const apply = () => {
    field.hidden = !isReasonOpen;
    toggle.setAttribute("aria-expanded", String(isReasonOpen));
  };
  toggle.addEventListener("click", () => {
    isReasonOpen = !isReasonOpen;
    apply();
    if (isReasonOpen) text.focus();
  });
  apply();
  return element("div", "reason", toggle, field);
}

/** @param {Settings} settings */
function hintLine({ confidence, most_ms: mostMs }) {
  const hints = [];
  if (confidence > 0) {
    const keys = keyHints(["← →", `1–${confidence}`]);
    const byKeys = element("span", "with-keys", _("With keys: an arrow, then a number"), " ", keys);
    hints.push(element("span", "", _("How sure are you? One click answers both.")), byKeys);
  }
  if (mostMs !== null) {
    const count = mostMs / 1000;
    const format = ngettext("Time for each trial: %(count)s second", "Time for each trial: %(count)s seconds", count);
    hints.push(element("span", "", ...interpolateNodes(format, { count: element("b", "", number(count)) })));
  }
  return hints.length > 0 ? element("p", "trial-hints", ...hints) : null;
}

export class TrialView {
  root;
  /** @type {ViewControls | null} */
  controls = null;
  #told = required("told");

  /**
   * @param {Prepared} prepared
   * @param {Settings} settings
   */
  constructor({ assignment, pictures }, settings) {
    const { options } = assignment;
    const points = settings.confidence;
    const question = element("h2", "question", assignment.question);
    question.id = "question";
    pictures.image.alt = _("The picture that the network was shown");
    const prediction = element("b", "", assignment.prediction);
    const answer = interpolateNodes(_("The network’s answer: %(prediction)s"), { prediction });
    const beneath = settings.overlay_controls ? pictures.image : null;
    const picture = element("span", "frame", pictures.image);
    const maps = element(
      "div",
      "maps",
      optionView("left", points, framed(pictures.left, beneath)),
      optionView("right", points, framed(pictures.right, beneath)),
    );
    this.root = element("div", "trial");
    this.root.append(element("figure", "subject", picture, element("figcaption", "prediction", ...answer)), question);
    const hints = hintLine(settings);
    if (hints) this.root.append(hints);
    this.root.append(maps);
    const ties = options.filter((choice) => choice !== "left" && choice !== "right");
    if (ties.length > 0) this.root.append(element("div", "ties", ...ties.map((tie) => optionView(tie, points, null))));
    if (settings.overlay_controls) {
      this.controls = new ViewControls(this.root);
      this.root.append(this.controls.root);
    }
    if (settings.reason === "optional") this.root.append(reasonField());
    this.root.dataset.points = String(points);
    if (points > 0 || settings.overlay_controls || settings.reason === "optional") this.root.dataset.dense = "";
    this.root.dataset.ties = String(ties.length);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-labelledby", "question");
  }

  /** @returns {string} the reason that was entered */
  get reason() {
    const field = this.root.querySelector("#reason");
    return field instanceof HTMLTextAreaElement && isReasonOpen ? field.value.trim() : "";
  }

  /** @param {string} text shown and spoken, in place of what was told before; "" for nothing */
  tell(text) {
    this.#told.textContent = text;
  }

  /** @param {Choice} choice that now waits for its rating */
  select(choice) {
    for (const option of this.root.querySelectorAll(".option")) {
      option.setAttribute("aria-pressed", String(option instanceof HTMLElement && option.dataset.choice === choice));
    }
    this.root.dataset.selected = choice;
  }

  /** Covers both maps with a neutral field. */
  mask() {
    this.root.dataset.masked = "";
  }
}
