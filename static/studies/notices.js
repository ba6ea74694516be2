// @ts-check
/** What the annotator is told outside the trial: progress, connection, errors. Spoken by screen readers too. */

import { OtherUser, Refused } from "./connection.js";
import { required } from "./dom.js";
import { StorageUnavailable } from "./outbox.js";
import { _, interpolate, interpolateNodes, ngettext } from "./text.js";

/** @typedef {import("./types.js").Progress} Progress */

const CAUGHT_UP_MS = 4_000;
/** Shorter waits are not worth a word. */
const WAIT_UNTOLD_MS = 300;

const nothingIsLost = () => _("Nothing is lost.");

/** @param {number} count how many answers are kept here */
function kept(count) {
  if (count === 0) return nothingIsLost();
  const format = ngettext(
    "%(count)s answer is kept in this browser.",
    "%(count)s answers are kept in this browser.",
    count,
  );
  return interpolate(format, { count });
}

/** @param {number} count how many answers are kept here */
function keptUntilThen(count) {
  if (count === 0) return nothingIsLost();
  const format = ngettext(
    "%(count)s answer is kept in this browser until then.",
    "%(count)s answers are kept in this browser until then.",
    count,
  );
  return interpolate(format, { count });
}

/** @param {number} count how many answers are on their way */
function beingSent(count) {
  const format = ngettext("%(count)s answer is being sent.", "%(count)s answers are being sent.", count);
  return interpolate(format, { count });
}

/** @param {number[]} positions at least one */
function listed(positions) {
  const last = positions.at(-1) ?? "";
  if (positions.length <= 1) return String(last);
  return interpolate(_("%(others)s and %(last)s"), { others: positions.slice(0, -1).join(", "), last });
}

export class Notices {
  #notice = required("notice");
  #alert = required("alert");
  #refused = required("refused");
  #announcer = required("announcer");
  #waiting = required("waiting");
  #progressBar = /** @type {HTMLProgressElement} */ (required("progress"));
  #progressText = required("progress-text");
  #loginUrl;
  #interrupted = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waitTimer;

  /** @param {string} loginUrl where to log in again and come back */
  constructor(loginUrl) {
    this.#loginUrl = loginUrl;
  }

  /** @param {Progress} progress */
  progress({ answered, total }) {
    this.#progressBar.max = Math.max(total, 1);
    this.#progressBar.value = answered;
    this.#progressText.textContent = interpolate(_("%(answered)s of %(total)s"), { answered, total });
  }

  /**
   * Says, without showing it, that a trial is on the screen.
   * @param {string} prediction
   * @param {Progress | null} progress null when it is the last answered trial again
   */
  announce(prediction, progress) {
    const format = progress
      ? _("Trial %(number)s of %(total)s. The network’s answer: %(prediction)s.")
      : _("Your last trial again. The network’s answer: %(prediction)s.");
    const { answered, total } = progress ?? { answered: 0, total: 0 };
    this.#announcer.textContent = interpolate(format, { number: answered + 1, total, prediction });
  }

  /**
   * Says, without showing it, that a practice trial is on the screen.
   * @param {string} prediction
   * @param {Progress} progress in this round
   */
  announcePractice(prediction, { answered, total }) {
    const format = _("Practice trial %(number)s of %(total)s. The network’s answer: %(prediction)s.");
    this.#announcer.textContent = interpolate(format, { number: answered + 1, total, prediction });
  }

  /** @param {{index: number, of: number}} place of a page in the study */
  place({ index, of }) {
    this.#alert.hidden = true;
    this.#progressBar.max = of;
    this.#progressBar.value = index - 1;
    this.#progressText.textContent = interpolate(_("Step %(index)s of %(of)s"), { index, of });
  }

  /**
   * @param {import("./connection.js").ConnectionState} state
   * @param {number} unsent how many answers are kept here
   */
  connection(state, unsent) {
    clearTimeout(this.#timer);
    if (state === "signed-out") {
      this.#interrupted = true;
      const link = document.createElement("a");
      link.href = this.#loginUrl;
      link.textContent = _("Log in again");
      this.#say(`${_("You have been logged out.")} ${kept(unsent)} `, link);
    } else if (state === "unreachable") {
      this.#interrupted = true;
      this.#say(`${_("No connection just now.")} ${kept(unsent)}`);
    } else if (this.#interrupted && unsent > 0) {
      this.#say(`${_("Connected again.")} ${beingSent(unsent)}`);
    } else if (this.#interrupted) {
      this.#interrupted = false;
      this.#say(`${_("Connected again.")} ${_("All your answers have arrived.")}`);
      this.#timer = setTimeout(() => this.#say(), CAUGHT_UP_MS);
    }
  }

  /** @param {(Node | string)[]} content something that needs the annotator's attention */
  error(...content) {
    this.#alert.replaceChildren(...content);
    this.#alert.hidden = false;
  }

  /**
   * @param {unknown} error what stopped the study
   * @param {{username: string, homeUrl: string}} page who should be logged in, and where the log-in can be changed
   * @param {number} unsent how many answers are kept here
   */
  stopped(error, { username, homeUrl }, unsent) {
    if (error instanceof OtherUser) {
      this.#otherUser(username, homeUrl, unsent);
    } else if (error instanceof StorageUnavailable) {
      const remedy = _("Please allow this site to store data in your browser, then reload.");
      this.error(`${error.message}. ${remedy}`);
    } else if (error instanceof Refused) {
      const format = _("The server did not give out a trial: %(reason)s. Please tell the study’s contact.");
      this.error(interpolate(format, { reason: error.message }));
    } else {
      const format = _("Something went wrong on this page (%(reason)s). Your answers are kept; please reload.");
      this.error(interpolate(format, { reason: String(error) }));
    }
  }

  /**
   * @param {string} username who should be logged in
   * @param {string} homeUrl where the log-in can be changed
   * @param {number} unsent how many answers are kept here
   */
  #otherUser(username, homeUrl, unsent) {
    const name = document.createElement("b");
    name.textContent = username;
    const link = document.createElement("a");
    link.href = homeUrl;
    link.textContent = _("Change the log-in");
    const format = _("Another person is logged in here. Log in as %(username)s and reload this page.");
    this.error(...interpolateNodes(format, { username: name }), ` ${keptUntilThen(unsent)} `, link);
  }

  /** @param {import("./types.js").Entry[]} entries answers that the server has refused */
  refused(entries) {
    const positions = [...new Set(entries.map(({ assignment }) => assignment.position))];
    const reasons = [...new Set(entries.map(({ reason }) => reason))].join("; ");
    const format = ngettext(
      "Your answer to trial %(trials)s was not accepted (%(reasons)s). It is kept in this browser; please tell the study’s contact.",
      "Your answers to trials %(trials)s were not accepted (%(reasons)s). They are kept in this browser; please tell the study’s contact.",
      positions.length,
    );
    this.#refused.textContent = interpolate(format, { trials: listed(positions), reasons });
    this.#refused.hidden = entries.length === 0;
  }

  /** @param {string | null} text shown in place of the trial; null when there is a trial again */
  waiting(text) {
    clearTimeout(this.#waitTimer);
    if (text === null) {
      this.#waiting.hidden = true;
      return;
    }
    this.#waitTimer = setTimeout(() => {
      this.#waiting.textContent = text;
      this.#waiting.hidden = false;
    }, WAIT_UNTOLD_MS);
  }

  /** @param {(Node | string)[]} content nothing hides the notice */
  #say(...content) {
    this.#notice.replaceChildren(...content);
    this.#notice.hidden = content.length === 0;
  }
}
