/** Planted bugs of tokens, sessions of users and connections that have logged in, which runs of the simulator show. */

import { type Mutation, slip } from "./mutation.ts";

const USERS = "lib/kv/users.ts";

/** The same, with the tests that look at it. */
function lookedAt(tests: readonly string[], mutation: Mutation): Mutation {
  return { ...mutation, tests };
}

/** In the order of their numbers. */
export const LOGIN_SLIPS: readonly Mutation[] = [
  slip("M941", "A connection in the Redis protocol goes on when its login ends", {
    file: "lib/protocol/resp/client_record.ts",
    find: "    this.#end();\n  }\n\n  /** The connection is closed",
    replace: "    if (this.#login === undefined) this.#end();\n  }\n\n  /** The connection is closed",
  }),
  slip("M942", "A connection in the text protocol goes on when its login ends", {
    file: "lib/protocol/text/interpreter.ts",
    find: "  loginEnded(): void {\n    this.#conversation.stop();",
    replace: "  loginEnded(): void {\n    if (this.#login === undefined) this.#conversation.stop();",
  }),
  slip("M943", "Who takes a token away leaves its login as it was, until the token would expire", {
    file: USERS,
    find: 'return this.#tokens?.remove(owner, name) === true ? undefined : "NoSuchToken";',
    replace:
      'const found = this.#tokens?.of(owner).find((token) => token.name === name);\n    if (found !== undefined && found.expiresAt > 0) return undefined;\n    return this.#tokens?.remove(owner, name) === true ? undefined : "NoSuchToken";',
  }),
  slip("M944", "A snapshot forgets when a token expires", {
    file: "lib/kv/snapshot_loader.ts",
    find: "loadToken({ id, owner, name, hash, expiresAt });",
    replace: "loadToken({ id, owner, name, hash, expiresAt: expiresAt && 0 });",
  }),
  slip("M945", "An administrator uses the session of anybody", {
    file: "lib/kv/session_commands.ts",
    find: "return owner !== NO_OWNER && owner !== user?.created;",
    replace: "return owner !== NO_OWNER && owner !== user?.created && user?.rights.isAdmin !== true;",
  }),
  slip("M946", "A login by a token goes on when its user has another password", {
    file: USERS,
    find: "    this.#byLogin.delete(user.login);",
    replace: "    if ((this.#tokens?.of(user.login).length ?? 0) === 0) this.#byLogin.delete(user.login);",
  }),
  lookedAt(
    ["tests/fuzz/tls_handshakes_test.ts"],
    slip("M947", "A handshake of TLS whose first bytes are wrong ends the node", {
      file: "lib/tls/tls_socket.ts",
      find: "setImmediate(() => wire.push(Buffer.from(first)));",
      replace:
        "if (first.length > CIPHER_BYTES_MIN) setImmediate(() => wire.push(Buffer.from(first)));\n          else wire.push(Buffer.from(first));",
    }),
  ),
  lookedAt(
    ["tests/unit/protocol/resp/rights_test.ts"],
    slip("M948", "A command is offered, and nobody has said who may give it", {
      file: "lib/protocol/resp/commands/connection.ts",
      find: '  {\n    ...row("HELLO [2|3]',
      replace:
        '  {\n    ...row("ECHOED <message>", { ...LOOKS, since: "1.0.0", flags: LOADING }),\n    summary: "Returns the word.",\n    plan: (words) => answer(words[1] ?? ""),\n  },\n  {\n    ...row("HELLO [2|3]',
    }),
  ),
  lookedAt(
    ["tests/unit/http/rights_test.ts"],
    slip("M949", "An operation is offered, and nobody has said who may ask for it", {
      file: "lib/http/routes/metrics.ts",
      find: 'id: "getMetrics",',
      replace: 'id: "getFigures",',
    }),
  ),
  lookedAt(
    ["tests/unit/protocol/resp/rights_inside_test.ts"],
    slip("M950", "What a MULTI only reads is shown to whoever may read the first of it", {
      file: "lib/protocol/resp/transaction.ts",
      find: "judge: (rights) => missingForParts({ compares, calls }, rights),",
      replace: "judge: (rights) => missingForParts({ compares, calls: calls.slice(0, compares.length) }, rights),",
    }),
  ),
];
