// @ts-check
/** What the annotator is told outside the trial: progress, connection, errors. Spoken by screen readers too. */

/** @typedef {import("./types.js").Progress} Progress */

const CAUGHT_UP_MS = 4_000;
/** Shorter waits are not worth a word. */
const WAIT_UNTOLD_MS = 300;

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function required(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}`);
  return found;
}

/** @param {number} count */
const answersAre = (count) => (count === 1 ? "1 answer is" : `${count} answers are`);

/** @param {number[]} positions at least two */
const listed = (positions) => `${positions.slice(0, -1).join(", ")} and ${positions.at(-1)}`;

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
    this.#progressText.textContent = `${answered} of ${total}`;
  }

  /** @param {string} text spoken, not shown */
  announce(text) {
    this.#announcer.textContent = text;
  }

  /**
   * @param {import("./connection.js").ConnectionState} state
   * @param {number} unsent how many answers are kept here
   */
  connection(state, unsent) {
    clearTimeout(this.#timer);
    const kept = unsent > 0 ? `${answersAre(unsent)} kept in this browser` : "Nothing is lost";
    if (state === "signed-out") {
      this.#interrupted = true;
      const link = document.createElement("a");
      link.href = this.#loginUrl;
      link.textContent = "Log in again";
      this.#say(`You have been logged out. ${kept}. `, link);
    } else if (state === "unreachable") {
      this.#interrupted = true;
      this.#say(`No connection just now. ${kept}.`);
    } else if (this.#interrupted && unsent > 0) {
      this.#say(`Connected again. ${answersAre(unsent)} being sent.`);
    } else if (this.#interrupted) {
      this.#interrupted = false;
      this.#say("Connected again. All your answers have arrived.");
      this.#timer = setTimeout(() => this.#say(), CAUGHT_UP_MS);
    }
  }

  /** @param {(Node | string)[]} content something that needs the annotator's attention */
  error(...content) {
    this.#alert.replaceChildren(...content);
    this.#alert.hidden = false;
  }

  /**
   * @param {string} username who should be logged in
   * @param {string} homeUrl where the log-in can be changed
   * @param {number} unsent how many answers are kept here
   */
  otherUser(username, homeUrl, unsent) {
    const name = document.createElement("b");
    name.textContent = username;
    const link = document.createElement("a");
    link.href = homeUrl;
    link.textContent = "Change the log-in";
    const kept = unsent > 0 ? `${answersAre(unsent)} kept in this browser until then.` : "Nothing is lost.";
    this.error("Another person is logged in here. Log in as ", name, ` and reload this page. ${kept} `, link);
  }

  /** @param {import("./types.js").Entry[]} entries answers that the server has refused */
  refused(entries) {
    const positions = [...new Set(entries.map(({ assignment }) => assignment.position))];
    const reasons = [...new Set(entries.map(({ reason }) => reason))].join("; ");
    const text =
      positions.length === 1
        ? `Your answer to trial ${positions[0]} was not accepted (${reasons}). It is`
        : `Your answers to trials ${listed(positions)} were not accepted (${reasons}). They are`;
    this.#refused.textContent = `${text} kept in this browser; please tell the study’s contact.`;
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
