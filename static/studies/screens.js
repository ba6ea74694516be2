// @ts-check
/** The screens of a study, one after the other, on one jsPsych timeline that grows with what the server says is next. */

/**
 * @template T
 * @typedef {{content: T | null}} Box what a screen shows; emptied afterwards, since jsPsych keeps every trial it ran
 */

/** What jsPsych notes about every trial; the rest of its data is what the plugin found. */
const OWN_NOTES = ["trial_type", "trial_index", "plugin_version", "time_elapsed"];

/** @typedef {"trials" | "page"} Surround neutral grey, or the site's own colours */

/** @param {Surround} surround */
export function setSurround(surround) {
  document.body.dataset.surround = surround;
  document.dispatchEvent(new Event("harmony-surround"));
}

export class Screens {
  #display;
  /** @type {Record<string, unknown>[]} */
  #timeline = [];
  /** @type {(() => void) | null} lets jsPsych look for the next screen */
  #goOn = null;
  /** @type {(reason: unknown) => void} whoever waits for the screen that is on hears of its failure */
  #fail = () => {};

  /** @param {HTMLElement} display */
  constructor(display) {
    this.#display = display;
  }

  /**
   * Shows one of our own plugins, which finds its content in the parameter `box`.
   * @param {unknown} plugin
   * @param {unknown} content
   * @param {() => void} [shown] called when it is on the screen
   * @returns {Promise<Record<string, any>>} what the plugin finished with
   */
  async show(plugin, content, shown) {
    const box = { content };
    const data = await this.showPlugin(plugin, { box: () => box }, shown);
    box.content = null;
    return data;
  }

  /**
   * Shows any jsPsych plugin.
   * @param {unknown} plugin
   * @param {Record<string, unknown>} parameters
   * @param {() => void} [shown]
   * @returns {Promise<Record<string, any>>}
   */
  showPlugin(plugin, parameters, shown) {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#timeline.push({
        ...parameters,
        type: plugin,
        on_load: () => {
          // jsPsych makes its display a stop of the Tab key; it needs only to take the focus.
          this.#display.tabIndex = -1;
          shown?.();
        },
        on_finish: (/** @type {Record<string, unknown>} */ data) =>
          // jsPsych waits for this, and then finds what was added meanwhile.
          new Promise((goOn) => {
            this.#goOn = () => goOn(undefined);
            resolve(Object.fromEntries(Object.entries(data).filter(([name]) => !OWN_NOTES.includes(name))));
          }),
      });
      if (this.#goOn) this.#goOn();
      else this.#run().catch((error) => this.#fail(error));
    });
  }

  async #run() {
    const { initJsPsych } = /** @type {any} */ (globalThis).jsPsychModule;
    await initJsPsych({ display_element: this.#display }).run(this.#timeline);
  }
}
