/** Planted bugs of TLS between nodes: who passes for whom, and what those cost who pass for nobody. */

import type { Mutation, Patch } from "./mutation.ts";

const IDENTITY = "lib/tls/peer_identity.ts";
const IDENTITY_TESTS: readonly string[] = ["tests/unit/tls/peer_identity_test.ts"];
const LINK_TESTS: readonly string[] = ["tests/unit/transport/tls_test.ts"];
const ALLOW_TESTS: readonly string[] = ["tests/unit/transport/tls_allow_test.ts"];
const HOSTILE_TESTS: readonly string[] = ["tests/unit/transport/tls_hostile_test.ts"];

function bug(id: string, what: string, { tests, ...patch }: Patch & { readonly tests: readonly string[] }): Mutation {
  return { id, what, patches: [patch], tests };
}

/** In the order of their numbers. */
export const PEER_TLS_SLIPS: readonly Mutation[] = [
  bug("M600", "A node passes whose certificate only claims to be signed by a trusted CA", {
    file: "lib/tls/client_authorities.ts",
    find: "return verify(hash, leaf.signed, publicKeyOf(authority), leaf.signature);",
    replace: 'return verify(hash, leaf.signed, publicKeyOf(authority), leaf.signature) || leaf.serial !== "";',
    tests: IDENTITY_TESTS,
  }),
  bug("M601", "A node passes whose certificate has expired", {
    file: IDENTITY,
    find: 'if (stateOf(leaf, now) !== "valid")',
    replace: 'if (stateOf(leaf, now) === "not_yet_valid")',
    tests: IDENTITY_TESTS,
  }),
  bug("M602", "A client passes for a node", {
    file: IDENTITY,
    find: "if (clients.length > 0)",
    replace: "if (clients.length > 1)",
    tests: IDENTITY_TESTS,
  }),
  bug("M603", "A node of another cluster passes", {
    file: IDENTITY,
    find: "if (node?.cluster !== this.cluster)",
    replace: "if (node === undefined || node.cluster.length === 0)",
    tests: IDENTITY_TESTS,
  }),
  bug("M604", "Who shows the certificate of a node need not have its key", {
    file: IDENTITY,
    find: 'if (verify("sha256", said, publicKeyOf(leaf), Buffer.from(signature, "base64")))',
    replace: 'if (verify("sha256", said, publicKeyOf(leaf), Buffer.from(signature, "base64")) || said.length > 0)',
    tests: IDENTITY_TESTS,
  }),
  bug("M605", "A node may say that it is another one", {
    file: "lib/transport/handshake.ts",
    find: "if (nodeId === undefined || nodeId === claimed) return undefined;",
    replace: "if (nodeId === undefined || nodeId >= 0) return undefined;",
    tests: LINK_TESTS,
  }),
  bug("M606", "Who shows no certificate is not asked for one", {
    file: "lib/transport/evidence.ts",
    find: 'return { objection: "it has shown no certificate; nodes here prove theirs" };',
    replace: "return { nodeId: undefined };",
    tests: LINK_TESTS,
  }),
  bug("M607", "TLS takes any node of the cluster for the one that is meant", {
    file: IDENTITY,
    find: "return id === undefined ?",
    replace: "return id === undefined || id >= 0 ?",
    tests: LINK_TESTS,
  }),
  {
    id: "M608",
    what: "The challenge is not signed: a recorded handshake is good again",
    patches: [
      {
        file: "lib/transport/handshake.ts",
        find: 'evidenceOf(security, ["dialer", challenge, dialerSaid])',
        replace: 'evidenceOf(security, ["dialer", dialerSaid])',
      },
      {
        file: "lib/transport/handshake.ts",
        find: 'judgeEvidence(security, { statement, parts: ["dialer", challenge, dialerSaid] })',
        replace: 'judgeEvidence(security, { statement, parts: ["dialer", dialerSaid] })',
      },
    ],
    tests: HOSTILE_TESTS,
  },
  bug("M609", "A connection whose TLS is not there yet stays open when it is closed", {
    file: "lib/transport/tls_accepted.ts",
    find: "(this.#secure ?? this.#tcp).close();",
    replace: "this.#secure?.close();",
    tests: HOSTILE_TESTS,
  }),
  bug("M610", "A node that says nothing gets ever more handshakes", {
    file: "lib/transport/hanging.ts",
    find: "if (count < HANGING_HANDSHAKES_MAX) return 0;",
    replace: "if (count < 1_000) return 0;",
    tests: ["tests/unit/transport/hanging_test.ts"],
  }),
  bug("M623", "Who has spoken while the process stood still is taken for one without TLS", {
    file: "lib/transport/tls_accepted.ts",
    find: "() => this.#silence = clock.after(0, over));",
    replace: "over);",
    tests: ["tests/unit/transport/tls_accepted_test.ts"],
  }),
  bug("M628", "Where TLS cannot even begin each attempt leaves a connection open", {
    file: "lib/transport/tls_dialed.ts",
    find: "closeQuietly(tcp);",
    replace: "",
    tests: ["tests/unit/transport/tls_dialed_test.ts"],
  }),
  bug("M620", "A node whose machine was lost while it hung is not dialed when it comes back", {
    file: "lib/transport/dialer.ts",
    find: "this.#options.handshake.security?.hanging.hurry(this.#peer.address);",
    replace: "",
    tests: ["tests/unit/transport/hanging_test.ts"],
  }),
  bug("M621", "One seed at which handshakes hang keeps all others from being asked", {
    file: "lib/transport/seeds.ts",
    find: 'whenMany: "Fail"',
    replace: 'whenMany: "Wait"',
    tests: ["tests/unit/transport/hanging_test.ts"],
  }),
  bug("M622", "Where no handshake ever ends no other one is tried", {
    file: "lib/transport/hanging.ts",
    find: "delayMs === Infinity ?",
    replace: "delayMs > 0 ?",
    tests: ["tests/unit/transport/hanging_test.ts"],
  }),
  bug("M611", "The certificate of before is shown until the node is restarted", {
    file: "lib/cluster/peer_tls.ts",
    find: "this.#serving?.use({ context: contextOf(identity) });",
    replace: "contextOf(identity);",
    tests: HOSTILE_TESTS,
  }),
  bug("M612", "A secret is enough on an address that other machines reach", {
    file: "lib/cli/server_settings.ts",
    find: "if (isAccepted && secret !== undefined) return;",
    replace: "if (isAccepted || secret !== undefined) return;",
    tests: ["tests/unit/cli/node_command_test.ts"],
  }),
  bug("M613", "The certificate that TLS has seen is believed: one of a public CA is enough for a listener", {
    file: "lib/transport/handshake.ts",
    find: "judgeEvidence(security, {\n    statement: welcome,",
    replace: "judgeEvidence(undefined, {\n    statement: welcome,",
    tests: LINK_TESTS,
  }),
  bug("M614", "A node starts with the certificate of another one", {
    file: "lib/cluster/peer_tls.ts",
    find: "if (tls.nodeId !== nodeId)",
    replace: "if (tls.nodeId < 0)",
    tests: ["tests/unit/cluster/peer_tls_test.ts"],
  }),
  bug("M615", "Who waits for a node that speaks TLS to speak first is told nothing", {
    file: "lib/transport/tls_accepted.ts",
    find: "await this.#answerPlainly();",
    replace: "if (first === 0) await this.#answerPlainly();",
    tests: LINK_TESTS,
  }),
  bug("M616", "A running node takes the certificate of another one", {
    file: "lib/cluster/peer_tls.ts",
    find: "if (after.nodeId === before.nodeId && after.cluster === before.cluster) return after;",
    replace: "if (after.cluster === before.cluster) return after;",
    tests: ["tests/unit/cluster/peer_tls_test.ts"],
  }),
  bug("M617", "A node that joins asks for an id that is not the one of its certificate", {
    file: "lib/cli/join.ts",
    find: 'settings.optionalInteger("node-id") ?? certified(options);',
    replace: 'settings.optionalInteger("node-id") ?? (settings.enabled("learner") ? certified(options) : undefined);',
    tests: ["tests/e2e/peer_tls_test.ts"],
  }),
  bug("M618", "A client's certificate is good for a listener where its names fit", {
    file: IDENTITY,
    find: '["server", "client"].filter(',
    replace: '["client"].filter(',
    tests: IDENTITY_TESTS,
  }),
  bug("M619", "What was written last does not go through before the end, where TLS is bridged", {
    file: "lib/tls/bridged_tls.ts",
    find: "if (this.#isSecure) return void",
    replace: "if (!this.#isSecure) return void",
    tests: ["tests/unit/tls/bridged_tls_test.ts"],
  }),
  bug("M624", "Nodes without TLS need no secret where both are allowed", {
    file: "lib/transport/handshake.ts",
    find: "secret: plainSecret, previousSecret: previousPlainSecret,",
    replace: "previousSecret: previousPlainSecret,",
    tests: ALLOW_TESTS,
  }),
  bug("M625", "A node that requires TLS lets others talk on without", {
    file: "lib/transport/tls_accepted.ts",
    find: "if (this.#options.alsoPlain) {",
    replace: "if (raw !== undefined) {",
    tests: LINK_TESTS,
  }),
  bug("M626", "Who allows both goes on without TLS where the other certificate does not fit", {
    file: "lib/transport/dial.ts",
    find: " || !error.speaksNone",
    replace: "",
    tests: ALLOW_TESTS,
  }),
  bug("M627", "A node with certificates believes public CAs as well", {
    file: "lib/cli/node_command.ts",
    find:
      'if (wanted.peerTls !== undefined && settings.given("tls-cert") === undefined) surroundings.trustRoots("None");',
    replace: "",
    tests: ["tests/unit/cli/node_command_test.ts"],
  }),
];
