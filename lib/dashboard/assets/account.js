/** Who is logged in at the node from which the page came. */

/** The node may hang. */
const ANSWER_MS = 2000;

/** Asks `/v1/login`; what is not known is as if there were no users. */
export class Account {
  #known = { login_needed: false, user: null, admin: false, by_cookie: false };
  #onChange;

  /** `onChange` is called when something else is known than before. */
  constructor({ onChange }) {
    this.#onChange = onChange;
  }

  /** Whether users have to log in. */
  get isNeeded() {
    return this.#known.login_needed;
  }

  /** Whether the page has no login any more that opens it. */
  get isOut() {
    return this.#known.login_needed && !this.#known.admin;
  }

  /** The user's name; null for nobody. */
  get user() {
    return this.#known.user;
  }

  /** Whether there is something to log out of: what a browser sends by itself it sends again. */
  get canLogOut() {
    return this.#known.by_cookie;
  }

  /** Asks anew. Never rejects. */
  async refresh() {
    try {
      const response = await fetch("/v1/login", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (!response.ok) return;
      this.#known = await response.json();
      this.#onChange();
    } catch {
      // The node is gone, which the connection finds out by itself.
    }
  }
}
