/** Planted bugs of the ways on which running clusters come to security: two secrets at once, and credentials before there is a user. */

import type { Mutation, Patch } from "./mutation.ts";

const SECRETS_TESTS: readonly string[] = ["tests/unit/transport/two_secrets_test.ts"];
const GATE_TESTS: readonly string[] = ["tests/unit/access/changing_secret_test.ts"];
const ROUTING_TESTS: readonly string[] = ["tests/unit/client/routing_test.ts"];
const HANDSHAKE = "lib/transport/handshake.ts";

function bug(id: string, what: string, { tests, ...patch }: Patch & { readonly tests: readonly string[] }): Mutation {
  return { id, what, patches: [patch], tests };
}

/** In the order of their numbers. */
export const ROLLING_SLIPS: readonly Mutation[] = [
  bug("M873", "A node with two secrets proves the previous one alone", {
    file: HANDSHAKE,
    find: "return { proof: proveDialer({ secret: previousSecret, ...said }), newProof: proof };",
    replace: "return { proof: proveDialer({ secret: previousSecret, ...said }) };",
    tests: SECRETS_TESTS,
  }),
  bug("M874", "An acceptor does not look at the second proof", {
    file: HANDSHAKE,
    find: "(newProof !== undefined && sameProof(expected, newProof))",
    replace: "(newProof !== undefined && newProof.length === 0)",
    tests: SECRETS_TESTS,
  }),
  bug("M875", "While two secrets count anybody is let in", {
    file: "lib/transport/credentials.ts",
    find: "return previousSecret !== undefined && isShared(previousSecret) ? previousSecret : undefined;",
    replace: "return previousSecret;",
    tests: SECRETS_TESTS,
  }),
  bug("M876", "On the way to TLS the previous secret does not count for nodes without it", {
    file: HANDSHAKE,
    find: "previousSecret: previousPlainSecret, security: undefined };",
    replace: "previousSecret: previousPlainSecret?.slice(1), security: undefined };",
    tests: SECRETS_TESTS,
  }),
  bug("M877", "What a node passes on while the secret changes is for those alone who have the new one", {
    file: "lib/access/gate.ts",
    find: "nowMs: this.#parts.node.timeMs(), also });",
    replace: "nowMs: this.#parts.node.timeMs(), also: also.slice(1) });",
    tests: GATE_TESTS,
  }),
  bug("M878", "A pass is worth something when any of its tags has the right length", {
    file: "lib/access/node_pass.ts",
    find: "given.some((other) => timingSafeEqual(mac, other))",
    replace: "given.some((other) => timingSafeEqual(mac, other) || given.length > 1)",
    tests: GATE_TESTS,
  }),
  bug("M879", "Nodes that were given no secret before are taken for nodes with that of now", {
    file: "lib/cluster/cluster_secret.ts",
    find: "previously && givenSecrets({ ...options, ...previously })",
    replace: "previously && givenSecrets({ ...options, ...previously, clusterSecret: options.clusterSecret })",
    tests: ["tests/unit/cluster/cluster_secret_test.ts"],
  }),
  bug("M880", "Clients cannot be given a user before there is one", {
    file: "lib/protocol/resp/commands/logins.ts",
    find: "if (credentials.length === 1) return { error: NO_PASSWORD_SET };",
    replace: "if (credentials[0] !== DEFAULT_USER) return { error: NO_PASSWORD_SET };",
    tests: ["tests/unit/protocol/resp/users_test.ts"],
  }),
  bug("M881", "The first user fails requests of clients that could log in", {
    file: "lib/client/executor.ts",
    find: "if (this.#logsIn && reply.code === NOT_LOGGED_IN) {",
    replace: 'if (this.#logsIn && reply.code === NOT_LOGGED_IN && reply.message === "") {',
    tests: ROUTING_TESTS,
  }),
  bug("M882", "A client without a password waits for a login that nobody makes", {
    file: "lib/client/executor.ts",
    find: "if (this.#logsIn && reply.code === NOT_LOGGED_IN) {",
    replace: 'if ((this.#logsIn || reply.code !== "") && reply.code === NOT_LOGGED_IN) {',
    tests: ROUTING_TESTS,
  }),
  bug("M883", "The first user fails requests over HTTP that are under way and name him", {
    file: "lib/http/service.ts",
    find: "isNotLoggedIn(known) ? this.#answerUser(request, verdict) : known;",
    replace: "isNotLoggedIn(known) && known.status === 0 ? this.#answerUser(request, verdict) : known;",
    tests: ["tests/unit/http/users_test.ts"],
  }),
  bug("M884", "A file with the previous secret counts as none", {
    file: "lib/cli/server_settings.ts",
    find: "path === NO_SECRET ? undefined :",
    replace: "path === NO_SECRET || path.length > 0 ? undefined :",
    tests: ["tests/unit/cli/node_command_test.ts"],
  }),
];
