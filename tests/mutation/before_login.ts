/** Planted bugs of what connections may do on which nobody has logged in. */

import { type Mutation, slip } from "./mutation.ts";

/** In the order of their numbers. */
export const BEFORE_LOGIN_SLIPS: readonly Mutation[] = [
  {
    ...slip("M932", "Who has logged in since gives way to a stranger of the same port", {
      file: "lib/net/connections_before_login.ts",
      find: "      if (!oldest.isBeforeLogin) continue;\n",
      replace: "",
    }),
    tests: ["tests/unit/net/connections_before_login_test.ts", "tests/unit/net/connection_port_test.ts"],
  },
  {
    ...slip("M933", "At a full port an idle client who has logged in gives way to a stranger", {
      file: "lib/net/connection_port.ts",
      find: "return !this.#options.beforeLogin.isLoginNeeded() && this.#endIdle();",
      replace: "return this.#endIdle();",
    }),
    tests: ["tests/unit/net/connection_port_test.ts"],
  },
  {
    ...slip("M934", "Before login a word may be as long as after it", {
      file: "lib/protocol/resp/request_reader.ts",
      find:
        'if (length > BEFORE_LOGIN_BYTES_MAX && this.#isBeforeLogin()) return this.#failBeforeLogin("bulk length");',
      replace: "",
    }),
    tests: ["tests/unit/protocol/resp/request_reader_test.ts", "tests/unit/protocol/before_login_test.ts"],
  },
  {
    ...slip("M935", "An HTTP connection whose requests have valid credentials counts as one of strangers", {
      file: "lib/http/service.ts",
      find: "      request.noteLogin?.(known);\n",
      replace: "",
    }),
    tests: ["tests/unit/http/noted_logins_test.ts"],
  },
  {
    ...slip("M939", "What is answered over HTTP before a login counts for no rate", {
      file: "lib/http/service.ts",
      find: 'destination.type !== "Route" || destination.route.isHealth !== true',
      replace: 'destination.type === "Options" && destination.allow === "none"',
    }),
    tests: ["tests/unit/http/users_test.ts"],
  },
];
