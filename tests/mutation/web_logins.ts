/** Planted bugs of the login page: its cookie, its sessions, and who may use both. */

import type { Mutation } from "./mutation.ts";

/** In the order of their numbers. */
export const WEB_LOGIN_SLIPS: readonly Mutation[] = [
  {
    id: "M845",
    what: "A session's streams go on when its 12 hours are over",
    patches: [{
      file: "lib/access/web_sessions.ts",
      find: "this.#clock.after(WEB_SESSION_MS, ",
      replace: "this.#clock.after(2 * WEB_SESSION_MS, ",
    }],
    tests: ["tests/unit/access/web_sessions_test.ts"],
  },
  {
    id: "M846",
    what: "A session outlives its user's password",
    patches: [{
      file: "lib/access/web_sessions.ts",
      find: "    this.#gate.enter(session);\n",
      replace: "",
    }],
    tests: ["tests/unit/http/web_login_ends_test.ts"],
  },
  {
    id: "M847",
    what: "A user may have any number of sessions",
    patches: [{
      file: "lib/access/web_sessions.ts",
      find: "own.length >= WEB_SESSIONS_PER_USER_MAX",
      replace: "own.length >= WEB_SESSIONS_MAX",
    }],
    tests: ["tests/unit/access/web_sessions_test.ts"],
  },
  {
    id: "M848",
    what: "A session that is in use ends before one that is not",
    patches: [{
      file: "lib/access/web_sessions.ts",
      find: "    this.#sessions.delete(hash);\n    this.#sessions.set(hash, session);\n    return session;",
      replace: "    return session;",
    }],
    tests: ["tests/unit/access/web_sessions_test.ts"],
  },
  {
    id: "M849",
    what: "A stream goes on after the log out",
    patches: [{
      file: "lib/http/logins.ts",
      find: "    this.#session?.enter(this);\n",
      replace: "",
    }],
    tests: ["tests/unit/http/web_login_ends_test.ts"],
  },
  {
    id: "M850",
    what: "The page of another origin uses the cookie",
    patches: [{
      file: "lib/http/web_login.ts",
      find: 'headers.has("origin") && !isOwnOrigin(head)',
      replace: 'headers.get("origin") === "null" && !isOwnOrigin(head)',
    }],
    tests: ["tests/unit/http/web_login_test.ts"],
  },
  {
    id: "M851",
    what: "Over TLS a cookie counts that was given without it",
    patches: [{
      file: "lib/http/web_login.ts",
      find: "isTls === true ? [true] : [true, false]",
      replace: "isTls === true ? [true, false] : [true, false]",
    }],
    tests: ["tests/unit/http/web_login_test.ts"],
  },
  {
    id: "M852",
    what: "The secret of a login without TLS opens under the name of one with it",
    patches: [{
      file: "lib/http/web_login.ts",
      find: "if (session?.isSecure === isSecure) return session;",
      replace: "if (session !== undefined) return session;",
    }],
    tests: ["tests/unit/http/web_login_test.ts"],
  },
  {
    id: "M853",
    what: "A form that does not say where it comes from logs somebody in",
    patches: [{
      file: "lib/http/guard.ts",
      find: "if (isForm) return isOwn ?",
      replace: "if (isForm) return isOwn || origin === undefined ?",
    }],
    tests: ["tests/unit/http/web_login_test.ts"],
  },
  {
    id: "M854",
    what: "With a cookie something is changed by who does not say where it comes from",
    patches: [{
      file: "lib/http/service.ts",
      find: "session !== undefined && withoutOrigin(head)",
      replace: "session === undefined && withoutOrigin(head)",
    }],
    tests: ["tests/unit/http/web_login_test.ts"],
  },
  {
    id: "M855",
    what: "A page whose session is over has the browser ask for a password",
    patches: [{
      file: "lib/http/web_login.ts",
      find: 'return headers.has("cookie") &&',
      replace: 'return headers.has("sec-fetch-site") && headers.has("cookie") &&',
    }],
    tests: ["tests/unit/http/web_login_test.ts"],
  },
  {
    id: "M856",
    what: "What was typed as a user stands on the page as markup",
    patches: [{
      file: "lib/dashboard/login_routes.ts",
      find: 'USER_NAME.test(claim.name) ? claim.name : ""',
      replace: "USER_NAME.test(claim.name) ? claim.name : claim.name.trim()",
    }],
    tests: ["tests/unit/http/web_login_ends_test.ts"],
  },
];
