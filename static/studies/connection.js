// @ts-check
/** Requests to Harmony's server: one attempt at a time, or again and again until one gets through. */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;
const ATTEMPT_LIMIT_MS = 15_000;

/** The server could not be reached, or could not answer just now: worth another try. */
export class Unreachable extends Error {}

/** The session has ended: worth another try after logging in. */
export class SignedOut extends Error {}

/** Someone else has logged in in this browser since the page was opened. */
export class OtherUser extends Error {}

/** The server understood and said no: trying again would not help. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {unknown} body the reply in the API's own words; null when it is not from the API
   */
  constructor(status, detail, body) {
    super(`${detail} (${status})`);
    this.detail = detail;
    this.body = body;
    this.isFromApi = body !== null;
  }
}

/** @typedef {"online" | "unreachable" | "signed-out"} ConnectionState */

/** The value of Django's CSRF cookie, read afresh since logging in again changes it. */
function csrfToken() {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  if (cookie) return decodeURIComponent(cookie.slice("csrftoken=".length));
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  return field instanceof HTMLInputElement ? field.value : "";
}

/**
 * @param {unknown} body a parsed reply of the API
 * @returns {string} its message in words
 */
function messageIn(body) {
  if (typeof body === "string") return body;
  if (Array.isArray(body)) return body.map(messageIn).join(" ");
  if (body && typeof body === "object") {
    return Object.entries(body)
      .map(([field, value]) => (field === "detail" ? messageIn(value) : `${field}: ${messageIn(value)}`))
      .join(" ");
  }
  return String(body);
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 * @throws {Unreachable} when the body is no whole JSON
 */
async function parsed(response) {
  try {
    return await response.json();
  } catch (error) {
    throw new Unreachable(`The reply was cut short: ${error}`);
  }
}

/** Dispatches `state` whenever the server becomes reachable, unreachable, or asks to log in again. */
export class Connection extends EventTarget {
  /** @type {ConnectionState} */
  state = "online";
  /** @type {Set<() => void>} */
  #sleepers = new Set();
  #annotator;

  /** @param {string} annotator the user that the page was made for; the server refuses posts under any other */
  constructor(annotator) {
    super();
    this.#annotator = annotator;
    window.addEventListener("online", () => this.wake());
    window.addEventListener("focus", () => this.wake());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.wake();
    });
  }

  /** Makes everything that waits for its next try, try now. */
  wake() {
    for (const sleeper of [...this.#sleepers]) sleeper();
  }

  /**
   * One attempt.
   * @param {string} url
   * @param {RequestInit} [options]
   * @returns {Promise<Response>} a reply with a status below 400, or 409
   * @throws {Unreachable | SignedOut | OtherUser | Refused}
   */
  async attempt(url, options = {}) {
    let response;
    try {
      response = await fetch(url, {
        credentials: "same-origin",
        signal: AbortSignal.timeout(ATTEMPT_LIMIT_MS),
        ...options,
      });
    } catch (error) {
      throw new Unreachable(String(error));
    }
    // A view that wants a log-in sends the browser to the log-in page, which fetch follows.
    if (response.redirected || response.status === 401) throw new SignedOut();
    if (response.ok || response.status === 409) return response;
    if (response.status >= 500 || response.status === 408 || response.status === 429) {
      throw new Unreachable(`The server replied ${response.status}`);
    }
    const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
    const body = isJson ? await parsed(response) : null;
    if (response.status === 403) throw body?.code === "other_user" ? new OtherUser() : new SignedOut();
    throw new Refused(response.status, isJson ? messageIn(body) : response.statusText, body);
  }

  /**
   * Posts JSON, once.
   * @param {string} url
   * @param {unknown} body
   * @returns {Promise<{status: number, body: any}>}
   * @throws {Unreachable | SignedOut | OtherUser | Refused} Refused only in the API's own words
   */
  async post(url, body) {
    try {
      const response = await this.attempt(url, {
        method: "POST",
        // The browser finishes sending even when the page is closed meanwhile.
        keepalive: true,
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "X-Annotator": this.#annotator,
          "X-CSRFToken": csrfToken(),
        },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await parsed(response) };
    } catch (error) {
      // Something between here and the server said no, such as a proxy without a server behind it. That may pass.
      if (error instanceof Refused && !error.isFromApi) throw new Unreachable(error.message);
      throw error;
    }
  }

  /**
   * Repeats an attempt until it gets through, waiting longer each time.
   * @template T
   * @param {() => Promise<T>} attempt
   * @returns {Promise<T>}
   * @throws {OtherUser | Refused} and whatever else the attempt throws that is not about reaching the server
   */
  async persist(attempt) {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        const result = await attempt();
        this.#enter("online");
        return result;
      } catch (error) {
        if (error instanceof SignedOut) this.#enter("signed-out");
        else if (error instanceof Unreachable) this.#enter("unreachable");
        else throw error;
      }
      await this.#sleep(wait * (0.75 + 0.5 * Math.random()));
    }
  }

  /** @param {number} milliseconds */
  #sleep(milliseconds) {
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.#sleepers.delete(done);
          resolve();
        };
        const timer = setTimeout(done, milliseconds);
        this.#sleepers.add(done);
      })
    );
  }

  /** @param {ConnectionState} state */
  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
