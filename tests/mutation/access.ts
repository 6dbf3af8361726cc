/** Planted bugs of users: who is taken for one, for how long, and what is told of passwords. */

import { type Mutation, slip } from "./mutation.ts";

const STATE = "lib/kv/state_machine.ts";
const USERS = "lib/kv/users.ts";
const GATE = "lib/access/gate.ts";
const PASS = "lib/access/node_pass.ts";
const RESP = "lib/protocol/resp/interpreter.ts";
const SERVICE = "lib/http/service.ts";
const RESP_TESTS: readonly string[] = ["tests/unit/protocol/resp/users_test.ts"];
const TEXT_TESTS: readonly string[] = ["tests/unit/protocol/text/users_test.ts"];
const HTTP_TESTS: readonly string[] = ["tests/unit/http/users_test.ts"];
const NODE_TESTS: readonly string[] = ["tests/unit/node/users_test.ts"];

/** The same, with the tests that look at it. */
function lookedAt(tests: readonly string[], mutation: Mutation): Mutation {
  return { ...mutation, tests };
}

const STATE_SLIPS: readonly Mutation[] = [
  slip("M660", "The most frequent write is taken from anybody", {
    file: STATE,
    find: "if (this.#plainPut.read(command) && this.#plainPut.isFor(this.#users.rightsOf(this.#plainPut.login))) {",
    replace: "if (this.#plainPut.read(command)) {",
  }),
  slip("M661", "A counter is counted for anybody", {
    file: STATE,
    find: "this.#plainCounter.read(command) &&\n      this.#users.rightsOf(this.#plainCounter.login)?.isAdmin === true",
    replace: "this.#plainCounter.read(command)",
  }),
  slip("M662", "Any other command is taken from anybody", {
    file: STATE,
    find: "this.#users.rightsOf(logged.login);",
    replace: "this.#users.rightsOf(logged.login || this.#users.list()[0]?.login || 0);",
  }),
  slip("M663", "What is sent again after a change of the password is another command", {
    file: "lib/kv/session_commands.ts",
    find: "hash64(bareCommand(encoded) + seen)",
    replace: 'hash64(bareCommand(encoded) + seen + encoded.slice(0, encoded.indexOf(";")))',
  }),
  slip("M664", "The digest of a state says nothing of its users", {
    file: STATE,
    find: "` ${this.#users.digest}`",
    replace: "` ${this.#users.size}`",
  }),
  slip("M665", "A login outlives the password that it came in with", {
    file: USERS,
    find: "    if (before !== undefined) this.#drop(before);\n",
    replace: "",
  }),
  slip("M666", "The last user is removed, and the cluster is open", {
    file: USERS,
    find: '    if (this.size === 1) return "LastUser";\n    if (this.#isLastAdmin(user)) return "LastAdmin";\n',
    replace: "",
  }),
  slip("M667", "A forced recovery forgets the users", {
    file: "lib/kv/raised_blocks.ts",
    find: 'if (content?.["users"] !== undefined) yield block;',
    replace: "",
  }),
  slip("M668", "A user of a snapshot may be newer than the snapshot", {
    file: "lib/kv/snapshot_loader.ts",
    find: "if (rights === undefined || login > (this.#lastApplied ?? 0)) return false;",
    replace: "if (rights === undefined) return false;",
  }),
];

const NODE_SLIPS: readonly Mutation[] = [
  lookedAt(
    NODE_TESTS,
    slip("M669", "A leader proposes users before every member can read them", {
      file: "lib/node/writes/proposals.ts",
      find: "!knowsUsers(raft.configuration) && isAboutUsers(command))",
      replace: "!knowsUsers(raft.configuration) && isAboutUsers(command) && this.#isClosed)",
    }),
  ),
  lookedAt(
    NODE_TESTS,
    slip("M670", "A node that has just started takes everybody for entitled until it has applied its log", {
      file: "lib/node/users/unapplied_users.ts",
      find: "if (makesUsers(run)) return true;",
      replace: "if (makesUsers(run) && this.#lookedAt.index < 0) return true;",
    }),
  ),
  lookedAt(
    NODE_TESTS,
    slip("M671", "Nobody hears of users that come with a snapshot or an entry", {
      file: "lib/node/effects/applier.ts",
      find:
        "      // Before anybody hears that a user was removed.\n      this.#parts.userWatch.look(applied.state.users);",
      replace: "",
    }),
  ),
];

const LATE_SLIPS: readonly Mutation[] = [
  lookedAt(
    NODE_TESTS,
    slip("M693", "A snapshot that leaves a user out ends nothing of that user", {
      file: "lib/node/effects/applier.ts",
      find: "this.#parts.userWatch.replaced(state.users);",
      replace: "this.#parts.userWatch.look(state.users);",
    }),
  ),
  lookedAt(
    NODE_TESTS,
    slip("M694", "What took the place of entries that were looked at is not looked at", {
      file: "lib/node/users/unapplied_users.ts",
      find: "raft.logRuns(index - 1)[0]?.term !== term",
      replace: "raft.logRuns(index - 1)[0]?.term === -term",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M695", "Who came in as nobody is shown keys after the first user is made", {
      file: SERVICE,
      find: "const node = new UserNode(shared, { gate, login });",
      replace: "const node = login === undefined ? shared : new UserNode(shared, { gate, login });",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M696", "Letters beyond ASCII are lost in passwords that are set over HTTP", {
      file: "lib/http/routes/users.ts",
      find: 'name: call.path.get("name") ?? "", password, rights }',
      replace: 'name: call.path.get("name") ?? "", password: password.replaceAll(/[^ -~]/g, "?"), rights }',
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M697", "A browser asks for a password in a page of others", {
      file: SERVICE,
      find: " || GUARD_CODES.includes(destination.reply.problem.code)",
      replace: " || GUARD_CODES.length === 0",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M698", "Health tells anybody who leads", {
      file: SERVICE,
      find: "isLoginRefusal(answered) || (isForAnybody(destination)",
      replace: 'isLoginRefusal(answered) || (destination.type === "Options"',
    }),
  ),
  lookedAt(
    TEXT_TESTS,
    slip("M699", "A connection that ended while its password was judged stays in the gate", {
      file: "lib/protocol/text/interpreter.ts",
      find: "if (this.#isClosed || login === undefined) return;",
      replace: 'if (login === undefined || (this.#isClosed && login.name === "")) return;',
    }),
  ),
];

const GATE_SLIPS: readonly Mutation[] = [
  slip("M672", "A password is right for a user that does not exist", {
    file: "lib/access/passwords.ts",
    find: "return isEqual && hash !== undefined;",
    replace: "return isEqual || hash === undefined;",
  }),
  {
    id: "M673",
    what: "A login that was right once is right for ever",
    patches: [
      {
        file: GATE,
        find: "if (login === undefined || !this.#parts.node.users.allows(login.id)) return undefined;",
        replace: "if (login === undefined) return undefined;",
      },
      {
        file: GATE,
        find: "if (!this.#parts.node.users.allows(id)) this.#known.delete(hash);",
        replace: "if (id === 0) this.#known.delete(hash);",
      },
    ],
  },
  slip("M674", "A login is judged by what this node has heard so far", {
    file: GATE,
    find: "    await new Promise<ReadOutcome>((resolve) => node.read(resolve));\n    if (node",
    replace: "    if (node",
  }),
  slip("M675", "Who guesses for one user from one address slows down everybody", {
    file: GATE,
    find: 'return `${address} ${isUserName(name) ? name : ""}`;',
    replace: 'return isUserName(name) ? "" : address.slice(0, 0);',
  }),
  slip("M676", "Failures slow nobody down", {
    file: GATE,
    find: "if (delayMs > 0) await",
    replace: "if (delayMs < 0) await",
  }),
  slip("M677", "Whoever is inside stays when the login is gone", {
    file: GATE,
    find: "if (!this.admits(visitor.login) || visitor.holds?.() === false) visitor.loginEnded();",
    replace: "if (visitor.holds?.() === false) visitor.loginEnded();",
  }),
  slip("M678", "A pass can be used again", {
    file: PASS,
    find: " || this.#seen.has(nonce)",
    replace: "",
  }),
  slip("M679", "A pass for one request is good for every other one of that node", {
    file: PASS,
    find: "\\n${to}\\n${method}\\n${path}\\n${digest}`",
    replace: "\\n${to}\\n${digest.length + method.length * 0 + path.length * 0}`",
  }),
  slip("M680", "A pass never ends", {
    file: PASS,
    find: "Math.abs(now - Number(madeMs)) <= PASS_MS",
    replace: "Math.abs(now - Number(madeMs)) < Infinity",
  }),
  slip("M690", "A name of any length is kept as long as failures are", {
    file: GATE,
    find: '${isUserName(name) ? name : ""}',
    replace: "${isUserName(name) ? name : name}",
  }),
  slip("M691", "Who guesses at one user takes the places of the others of that address", {
    file: GATE,
    find: '${isHeldUp ? "held up" : "free"}',
    replace: '${isHeldUp ? "free" : "free"}',
  }),
  slip("M692", "A launcher does not come in where the date of the machine was set back", {
    file: GATE,
    find: "nowMs: [node.timeMs(), dateMs()]",
    replace: "nowMs: [node.timeMs(), dateMs() * 0]",
  }),
];

const PROTOCOL_SLIPS: readonly Mutation[] = [
  lookedAt(
    RESP_TESTS,
    slip("M681", "Redis clients get whatever is not about keys without a login", {
      file: "lib/protocol/resp/planner.ts",
      find: "(entry.call === undefined ? gate.admits(login) : gate.admitsToKeys(login))",
      replace: "(entry.call === undefined || gate.admitsToKeys(login))",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M682", "A read that was asked for before a removal is shown after it", {
      file: RESP,
      find: "const rights = node.users.rightsOf(loginId(this.client.login));",
      replace: "const rights = node.users.rightsOf(loginId(this.client.login)) ?? node.users.list()[0]?.rights;",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M683", "What acts behind a removal still acts", {
      file: RESP,
      find:
        "return gate.admits(login) || OPEN[kind] === true ? refusalForAdmins(kind, { gate, login }) : NOT_LOGGED_IN;",
      replace:
        "return gate.admits(login) && OPEN[kind] !== true ? refusalForAdmins(kind, { gate, login }) : undefined;",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M684", "The slow log shows the passwords of ACL SETUSER", {
      file: "lib/protocol/resp/statistics/slow_log.ts",
      find: ' && name !== "ACL"',
      replace: "",
    }),
  ),
  lookedAt(
    TEXT_TESTS,
    slip("M685", "A line with a password is kept in the history", {
      file: "lib/protocol/text/interpreter.ts",
      find: "if (!isSecret(line)) this.#history",
      replace: "if (!isSecret(line) || line.length > 0) this.#history",
    }),
  ),
  lookedAt(
    TEXT_TESTS,
    slip("M686", "A read in the text protocol is shown after a removal", {
      file: "lib/protocol/text/logins.ts",
      find: "  if (rights === undefined) return `${NOT_LOGGED_IN}\\n`;",
      replace: "  if (rights === undefined) return undefined;",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M687", "What is there is told over HTTP before anybody has logged in", {
      file: SERVICE,
      find: 'if (type === "Options" || (!isLoginNeeded(destination) && !this.#isOpen(destination))) return 0;',
      replace: 'if (type === "Options") return 0;',
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M688", "A stream goes on when its user is gone", {
      file: "lib/http/logins.ts",
      find: "    this.#gate.enter(this);\n",
      replace: "",
    }),
  ),
  lookedAt(
    ["tests/unit/access/gate_test.ts"],
    slip("M689", "What a user reads over HTTP is not judged when it is read", {
      file: "lib/access/user_node.ts",
      find: "    if (rights === undefined) throw new NotLoggedInError();\n    return rights;",
      replace: "    return rights ?? { isAdmin: true, grants: [] };",
    }),
  ),
];

const PASS_SLIPS: readonly Mutation[] = [
  lookedAt(
    ["tests/unit/access/changing_secret_test.ts", "tests/unit/cluster/cluster_secret_test.ts"],
    slip("M936", "What is kept of a password makes passes where nodes without TLS are taken", {
      file: "lib/cluster/cluster_secret.ts",
      find: 'if (plainSecret !== undefined) all.delete("");',
      replace: "if (plainSecret !== undefined) all.add(plainSecret);",
    }),
  ),
];

/** In the order of their numbers. */
export const ACCESS_SLIPS: readonly Mutation[] = [
  ...STATE_SLIPS,
  ...NODE_SLIPS,
  ...GATE_SLIPS,
  ...PROTOCOL_SLIPS,
  ...LATE_SLIPS,
  ...PASS_SLIPS,
];
