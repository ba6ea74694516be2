// @ts-check
/** The runner: puts its parts together, and keeps to one tab. */

import { setUpKeysSwitch } from "./answer-keys.js";
import { Connection } from "./connection.js";
import { Flow } from "./flow.js";
import { Notices } from "./notices.js";
import { Outbox } from "./outbox.js";
import { PageOutbox } from "./page-outbox.js";
import { Pages } from "./pages.js";
import { Practice } from "./practice.js";
import { Screens } from "./screens.js";
import { watchScreenSize } from "./screen-size.js";
import { OneTab, TakenOver, tellOtherTab, tellTakenOver } from "./tabs.js";
import { _ } from "./text.js";
import { TrialQueue } from "./trial-queue.js";
import { Trials } from "./trials.js";
import { setUpWithdrawal } from "./withdrawal.js";

/**
 * @typedef {object} Page
 * @property {string} owner study and annotator
 * @property {string} annotator the annotator's user, by primary key
 * @property {string} username the annotator's user, by name
 * @property {string} settings how trials are shown, as JSON
 * @property {string} leastWidth
 * @property {string} leastHeight
 * @property {string} stepsUrl
 * @property {string} nextUrl
 * @property {string} pageUrl with KEY in place of the page's key
 * @property {string} responsesUrl with TOKEN in place of the token
 * @property {string} withdrawalUrl
 * @property {string} formScript jsPsych's plugin for forms
 * @property {string} doneUrl
 * @property {string} homeUrl
 * @property {string} loginUrl
 */

class Runner {
  #page;
  #stage;
  #connection;
  #notices;
  #outbox;
  #pageOutbox;
  #queue;
  #practice;
  #trials;
  #flow;
  #tab;
  #leaving = false;
  /** @type {(reason: unknown) => void} */
  #fail = () => {};
  /** @type {Promise<never>} */
  #failed;

  /**
   * @param {HTMLElement} stage
   * @param {Page} page
   */
  constructor(stage, page) {
    this.#stage = stage;
    this.#page = page;
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    // It may come before anyone waits for it.
    this.#failed.catch(() => {});
    const connection = new Connection(page.annotator);
    const notices = new Notices(page.loginUrl);
    const { owner } = page;
    const outbox = new Outbox({ owner, connection, addressOf: (token) => page.responsesUrl.replace("TOKEN", token) });
    const pageOutbox = new PageOutbox({ owner, connection, addressOf: (key) => page.pageUrl.replace("KEY", key) });
    const queue = new TrialQueue({ connection, outbox, nextUrl: page.nextUrl });
    const screens = new Screens(stage);
    const parts = { connection, notices, outbox, queue, screens, settings: JSON.parse(page.settings) };
    const { formScript, stepsUrl, doneUrl } = page;
    const pages = new Pages({ connection, notices, outbox: pageOutbox, screens, display: stage, formScript });
    this.#practice = new Practice(parts);
    this.#trials = new Trials(parts);
    this.#flow = new Flow({
      ...{ connection, notices, pageOutbox, pages, stepsUrl, doneUrl },
      ...{ practice: this.#practice, trials: this.#trials },
    });
    this.#connection = connection;
    this.#notices = notices;
    this.#outbox = outbox;
    this.#pageOutbox = pageOutbox;
    this.#queue = queue;
    this.#tab = new OneTab(owner, () => this.#fail(new TakenOver()));
    this.#listen();
  }

  /** Goes through the study to its end, and on to the done page. */
  async run() {
    this.#outbox.check();
    if (!(await this.#tab.begin())) await this.#waitForTheOtherTab();
    this.#outbox.offerAgain();
    for (const { token, answer } of this.#outbox.entries()) this.#queue.answered(token, answer.revision);
    this.#tellOutbox();
    this.#outbox.send();
    this.#leave(await Promise.race([this.#failed, this.#flow.run()]));
  }

  /** @param {unknown} error what stops the study here */
  stop(error) {
    // Whatever is unsent is kept, and reloading is what is asked for.
    this.#leaving = true;
    this.#trials.stop();
    this.#practice.stop();
    this.#stage.hidden = true;
    this.#notices.waiting(null);
    if (error instanceof TakenOver) tellTakenOver();
    else this.#notices.stopped(error, this.#page, this.#outbox.size);
  }

  /** @param {string} address */
  #leave(address) {
    this.#leaving = true;
    window.location.assign(address);
  }

  async #waitForTheOtherTab() {
    const { chosen, hide } = tellOtherTab();
    const isFree = await Promise.race([this.#tab.afterTheOther(), chosen.then(() => false)]);
    if (!isFree) await this.#tab.takeFromTheOther();
    hide();
  }

  /** @param {boolean} isDeletion */
  async #withdraw(isDeletion) {
    this.#trials.stop();
    this.#practice.stop();
    this.#stage.hidden = true;
    this.#notices.waiting(_("Ending your part in the study…"));
    if (isDeletion) {
      this.#outbox.forget();
      this.#pageOutbox.forget();
    } else {
      await this.#outbox.settled();
    }
    const { withdrawalUrl, doneUrl } = this.#page;
    const post = () => this.#connection.post(withdrawalUrl, { delete: isDeletion });
    const { body } = await this.#connection.persist(post);
    this.#leave(body.step?.url ?? doneUrl);
  }

  #listen() {
    watchScreenSize(this.#stage, {
      leastWidth: Number(this.#page.leastWidth),
      leastHeight: Number(this.#page.leastHeight),
    });
    setUpWithdrawal((isDeletion) => this.#withdraw(isDeletion).catch((error) => this.stop(error)));
    this.#connection.addEventListener("state", () => this.#tellConnection());
    this.#outbox.addEventListener("change", () => this.#tellOutbox());
    this.#outbox.addEventListener("failed", (event) => this.#fail(/** @type {CustomEvent} */ (event).detail));
    window.addEventListener("beforeunload", (event) => {
      if (!this.#leaving && this.#outbox.size > 0) event.preventDefault();
    });
    // A page that comes out of the browser's memory knows nothing of what was done since.
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) window.location.reload();
    });
    // Logging in again brings the annotator back here, where the kept answers are sent.
    document.getElementById("notice")?.addEventListener("click", (event) => {
      if (event.target instanceof HTMLAnchorElement) this.#leaving = true;
    });
  }

  #tellConnection() {
    this.#notices.connection(this.#connection.state, this.#outbox.size);
  }

  #tellOutbox() {
    this.#tellConnection();
    this.#notices.refused(this.#outbox.refused());
  }
}

const stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
setUpKeysSwitch();
const runner = new Runner(stage, /** @type {any} */ ({ ...stage.dataset }));
runner.run().catch((error) => runner.stop(error));
