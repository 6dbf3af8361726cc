/** Planted bugs of clients whose certificates name users. */

import { type Mutation, slip } from "./mutation.ts";

const NAMES = "lib/tls/client_names.ts";
const NAME_TESTS: readonly string[] = ["tests/unit/tls/client_names_test.ts"];
const PROTOCOL_TESTS: readonly string[] = ["tests/unit/protocol/certified_clients_test.ts"];
const HTTP_TESTS: readonly string[] = ["tests/unit/http/certified_clients_test.ts"];

/** In the order of their numbers. */
export const CERTIFIED_CLIENT_SLIPS: readonly Mutation[] = [
  {
    ...slip("M867", "The certificate of a node is that of a user", {
      file: NAMES,
      find: "  if (nodeOf(certificate.names) !== undefined) return undefined;\n",
      replace: '  if (nodeOf(certificate.names) !== undefined && kind === "uri") return undefined;\n',
    }),
    tests: NAME_TESTS,
  },
  {
    ...slip("M868", "Of several names in a certificate the first is a user", {
      file: NAMES,
      find: "return names.length === 1 ? names[0] : undefined;",
      replace: "return names[0];",
    }),
    tests: NAME_TESTS,
  },
  {
    ...slip("M869", "A certificate goes before the password of the request", {
      file: "lib/http/logins.ts",
      find: 'const certified = header === ""\n',
      replace: 'const certified = header === "" || request.certified !== undefined\n',
    }),
    tests: HTTP_TESTS,
  },
  {
    ...slip("M870", "Who came by a certificate cannot become another user", {
      file: "lib/protocol/resp/interpreter.ts",
      find: "if (certified === undefined || this.client.login !== undefined) return;",
      replace: "if (certified === undefined) return;",
    }),
    tests: PROTOCOL_TESTS,
  },
  {
    ...slip("M871", "Each request of a certified client is a login in the audit log", {
      file: "lib/access/gate.ts",
      find: "if (client.login !== id) {",
      replace: 'if (client.login !== id || protocol !== "none") {',
    }),
    tests: ["tests/unit/access/certified_test.ts"],
  },
  {
    ...slip("M872", "In the text protocol a removed user's certified connection stays", {
      file: "lib/protocol/text/interpreter.ts",
      find: "    this.#login = login;\n    this.#context.gate.enter(this);\n",
      replace:
        "    this.#login = login;\n    if (this.#link.certified === undefined) this.#context.gate.enter(this);\n",
    }),
    tests: PROTOCOL_TESTS,
  },
];
