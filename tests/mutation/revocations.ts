/** Planted bugs of revocations: what is judged in another moment, or by what another may do. */

import { type Mutation, slip } from "./mutation.ts";

const STATE = "lib/kv/state_machine.ts";
const USER_NODE = "lib/access/user_node.ts";
const PROPOSALS = "lib/node/writes/proposals.ts";
const INTERPRETER = "lib/protocol/resp/interpreter.ts";
const PROCESS_TESTS: readonly string[] = ["tests/e2e/revocation_test.ts"];

const SIMULATED_SLIPS: readonly Mutation[] = [
  {
    id: "M885",
    what: "A read is judged by the rights that a user has when it begins",
    patches: [
      {
        file: USER_NODE,
        find: "  readonly #login: Login | undefined;\n\n  /** `node` for who has that login. */",
        replace:
          "  readonly #login: Login | undefined;\n  readonly #begun: Rights | undefined;\n\n  /** `node` for who has that login. */",
      },
      {
        file: USER_NODE,
        find: "    this.#login = login;\n",
        replace: "    this.#login = login;\n    this.#begun = gate.rightsOf(login);\n",
      },
      {
        file: USER_NODE,
        find: "const rights = this.#gate.rightsOf(this.#login);",
        replace: "const rights = this.#gate.rightsOf(this.#login) === undefined ? undefined : this.#begun;",
      },
    ],
  },
  {
    id: "M886",
    what: "Whether a right is there for a write is judged by the leader that appends it, and not where it is applied",
    patches: [
      {
        file: STATE,
        find: "rights.isAdmin ? undefined : missingForCommand(logged.command, rights);",
        replace: "rights.isAdmin || index > 0 ? undefined : missingForCommand(logged.command, rights);",
      },
      {
        file: PROPOSALS,
        find: "    const tooMany = this.size + countOf(write) > limits.writesMax;",
        replace:
          '    const asked = typeof command === "string" ? decodeCommand(command) : undefined;\n    const rights = asked && this.#parts.applied.state.users.rightsOf(asked.login);\n    if (asked && rights && missingForCommand(asked.command, rights)) return "Stopping";\n    const tooMany = this.size + countOf(write) > limits.writesMax;',
      },
      {
        file: PROPOSALS,
        find: 'import { encodeCommand, isAboutUsers } from "../../kv/commands.ts";',
        replace:
          'import { decodeCommand, encodeCommand, isAboutUsers } from "../../kv/commands.ts";\nimport { missingForCommand } from "../../kv/judge.ts";',
      },
    ],
  },
  {
    id: "M887",
    what: "What may be listed is remembered by the login, which a revocation leaves as it is",
    patches: [
      {
        file: USER_NODE,
        find: "return this.#node.answer(call, shownBy(rights));",
        replace:
          "const listed = LISTED.get(this.#node) ?? new Map<number, Rights>();\n    LISTED.set(this.#node, listed);\n    const known = listed.get(loginId(this.#login)) ?? rights;\n    listed.set(loginId(this.#login), known);\n    return this.#node.answer(call, shownBy(known));",
      },
      {
        file: USER_NODE,
        find: "function forbid(",
        replace: "const LISTED = new WeakMap<object, Map<number, Rights>>();\n\nfunction forbid(",
      },
    ],
  },
  {
    id: "M888",
    what: "What may be listed is worked out once for each change of the users, whoever asks",
    patches: [
      {
        file: USER_NODE,
        find: "return this.#node.answer(call, shownBy(rights));",
        replace:
          "const { revision } = this.#node.users;\n    const kept = LISTED.get(this.#node);\n    const listed = kept?.revision === revision ? kept : { revision, rights };\n    LISTED.set(this.#node, listed);\n    return this.#node.answer(call, shownBy(listed.rights));",
      },
      {
        file: USER_NODE,
        find: "function forbid(",
        replace:
          "const LISTED = new WeakMap<object, { readonly revision: number; readonly rights: Rights }>();\n\nfunction forbid(",
      },
    ],
  },
  slip("M889", "A command of a session is judged by the login alone", {
    file: STATE,
    find: "const missing = rights.isAdmin ? undefined",
    replace: "const missing = rights.isAdmin || logged.session !== undefined ? undefined",
  }),
  slip("M890", "Of several comparisons that only read one is not judged", {
    file: USER_NODE,
    find: "missingForParts({ compares, calls: [] }",
    replace: "missingForParts({ compares: compares.slice(1), calls: [] }",
  }),
];

const PROCESS_SLIPS: readonly Mutation[] = [
  {
    id: "M891",
    what: "A connection of Redis's protocol keeps the rights with which it has read first",
    patches: [
      {
        file: INTERPRETER,
        find: "const rights = node.users.rightsOf(loginId(this.client.login));",
        replace:
          "const rights = KEPT.get(this.client) ?? node.users.rightsOf(loginId(this.client.login));\n    if (rights !== undefined) KEPT.set(this.client, rights);",
      },
      {
        file: INTERPRETER,
        find: 'import { shownBy } from "../../kv/rights.ts";',
        replace:
          'import { type Rights, shownBy } from "../../kv/rights.ts";\n\nconst KEPT = new WeakMap<object, Rights>();',
      },
    ],
    tests: PROCESS_TESTS,
  },
  {
    ...slip("M892", "A stream goes on as long as its login holds, whatever becomes of the right for what it shows", {
      file: "lib/http/logins.ts",
      find: "holds: () => mayAsk() && holds() }",
      replace: "holds: () => mayAsk() && (holds() || body !== reply.body || gate.admits(login)) }",
    }),
    tests: PROCESS_TESTS,
  },
];

/** In the order of their numbers. */
export const REVOCATION_SLIPS: readonly Mutation[] = [...SIMULATED_SLIPS, ...PROCESS_SLIPS];
