// @ts-check
/** The pages around the trials: shown by their kind, completed, and sent. */

import { element } from "./dom.js";
import { PageScreenPlugin, prose } from "./page-screen.js";
import { answersIn, faultsIn, fillForm, formHtml, mendFaults, pairsIn, showFaults } from "./questionnaire.js";
import { setSurround } from "./screens.js";
import { formPlugin, stockPlugin } from "./stock-plugin.js";
import { _ } from "./text.js";

/** @typedef {import("./types.js").StepReply} StepReply */
/** @typedef {import("./types.js").StudyPage} StudyPage */
/** @typedef {Record<string, string>} Faults */
/** @typedef {Record<string, unknown>} Answers */

export class Pages {
  #connection;
  #notices;
  #outbox;
  #screens;
  #display;
  #formScript;

  /**
   * @param {object} options
   * @param {import("./connection.js").Connection} options.connection
   * @param {import("./notices.js").Notices} options.notices
   * @param {import("./page-outbox.js").PageOutbox} options.outbox
   * @param {import("./screens.js").Screens} options.screens
   * @param {HTMLElement} options.display
   * @param {string} options.formScript address of jsPsych's plugin for forms
   */
  constructor({ connection, notices, outbox, screens, display, formScript }) {
    this.#connection = connection;
    this.#notices = notices;
    this.#outbox = outbox;
    this.#screens = screens;
    this.#display = display;
    this.#formScript = formScript;
  }

  /**
   * Shows a page until the server has taken what was entered.
   * @param {StudyPage} page
   * @returns {Promise<StepReply>} what comes after it
   */
  async run(page) {
    setSurround("page");
    /** @type {Faults} */
    let faults = {};
    for (;;) {
      const start = performance.now();
      const answers = await this.#answers(page, faults);
      this.#notices.waiting(_("Sending…"));
      const shownSeconds = Math.round((performance.now() - start) / 100) / 10;
      const completed = { answers, digest: page.digest, shown_seconds: shownSeconds };
      const outcome = await this.#outbox.complete(page.key, completed);
      if ("reply" in outcome) return outcome.reply;
      faults = outcome.faults;
      if (faults[""]) this.#notices.error(faults[""]);
    }
  }

  /**
   * @param {StudyPage} page
   * @param {Faults} faults that the server found before
   * @returns {Promise<Answers>}
   */
  #answers(page, faults) {
    if (page.kind === "consent") return this.#consent(page);
    if (page.kind === "questionnaire") return this.#questionnaire(page, faults);
    if (page.kind === "plugin") return this.#plugin(page);
    return this.#text(page);
  }

  /** Something is on the screen. */
  #shown() {
    this.#notices.waiting(null);
    this.#display.scrollTop = 0;
  }

  /**
   * @param {StudyPage} page
   * @returns {Promise<Answers>}
   */
  async #text({ title, html, button, least_seconds: leastSeconds }) {
    const ways = [{ name: button ?? _("Continue"), value: "on" }];
    await this.#screens.show(PageScreenPlugin, { title, html, ways, leastSeconds }, () => this.#shown());
    return {};
  }

  /**
   * @param {StudyPage} page
   * @returns {Promise<Answers>}
   */
  async #consent({ title, html, accept, decline }) {
    const ways = [
      { name: accept ?? _("I agree and take part"), value: "accept" },
      { name: decline ?? _("I do not take part"), value: "decline" },
    ];
    const text = _("Without your consent you cannot take part. Nothing about you is kept.");
    const sure = {
      title: _("Leave the study?"),
      html: element("p", "", text).outerHTML,
      ways: [
        { name: _("Back to the page"), value: "back" },
        { name: _("Leave the study"), value: "leave" },
      ],
    };
    for (;;) {
      const { value } = await this.#screens.show(PageScreenPlugin, { title, html, ways }, () => this.#shown());
      if (value === "accept") return { accepted: true };
      const second = await this.#screens.show(PageScreenPlugin, sure, () => this.#shown());
      if (second.value === "leave") return { accepted: false };
    }
  }

  /**
   * @param {StudyPage} page
   * @param {Faults} faults
   * @returns {Promise<Answers>}
   */
  async #questionnaire({ key, title, html, fields = [], button }, faults) {
    const plugin = await stockPlugin(this.#connection, formPlugin(this.#formScript));
    const heading = element("h2", "page-title", title);
    heading.tabIndex = -1;
    const parameters = {
      preamble: element("div", "", heading, prose(html)).innerHTML,
      html: formHtml(fields),
      // The plugin puts it into an attribute.
      button_label: element("span", "", button ?? _("Continue")).innerHTML.replaceAll('"', "&quot;"),
      // Several answers to one question have one name.
      dataAsArray: true,
      css_classes: ["page-form", "card"],
    };
    const { response } = await this.#screens.showPlugin(plugin, parameters, () => {
      this.#shown();
      this.#prepareForm(key, fields, faults);
    });
    return answersIn(fields, response);
  }

  /**
   * @param {string} key
   * @param {import("./types.js").FormField[]} fields
   * @param {Faults} faults
   */
  #prepareForm(key, fields, faults) {
    const form = /** @type {HTMLFormElement} */ (this.#display.querySelector("form"));
    form.noValidate = true;
    fillForm(form, this.#outbox.draft(key) ?? []);
    form.addEventListener("input", () => {
      this.#outbox.keepDraft(key, pairsIn(form));
      mendFaults(fields, form);
    });
    // Before jsPsych hears of it, which would take the form away.
    form.parentElement?.addEventListener(
      "submit",
      (event) => {
        const found = faultsIn(fields, form);
        if (Object.keys(found).length === 0) return;
        event.preventDefault();
        event.stopPropagation();
        showFaults(form, found);
      },
      { capture: true },
    );
    if (Object.keys(faults).some((name) => name !== "")) showFaults(form, faults);
    else /** @type {HTMLElement} */ (this.#display.querySelector(".page-title")).focus({ preventScroll: true });
  }

  /**
   * @param {StudyPage} page
   * @returns {Promise<Answers>}
   */
  async #plugin({ title, plugin }) {
    if (!plugin) throw new Error("The page names no plugin");
    const stock = await stockPlugin(this.#connection, plugin);
    const parameters = { ...plugin.parameters, css_classes: ["page-plugin", "card"] };
    return this.#screens.showPlugin(stock, parameters, () => {
      this.#shown();
      const heading = element("h2", "page-title", title);
      heading.tabIndex = -1;
      this.#display.querySelector(".jspsych-content")?.prepend(heading);
      heading.focus({ preventScroll: true });
    });
  }
}
