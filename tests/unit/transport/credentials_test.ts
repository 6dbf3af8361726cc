import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { Introduction } from "../../../lib/transport/control.ts";
import {
  acceptorKeys,
  dialerKeys,
  findAcceptorMismatch,
  findDialerMismatch,
  freshNonce,
  proveAcceptor,
  proveDialer,
  sameProof,
} from "../../../lib/transport/credentials.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import { greetingOf } from "./support.ts";

function introductionOf(id: number, changes: Partial<Greeting> = {}): Introduction {
  return { greeting: greetingOf(id, changes), nonce: "a".repeat(32), to: 1 };
}

const OWN = greetingOf(1);
const PROVEN = { secret: "the secret of all", challenge: "c".repeat(32), dialerSaid: "I am 0" };

Deno.test("an acceptor refuses who does not fit, and says why", () => {
  const cases: readonly { changes?: Partial<Greeting>; to?: number; reason?: RegExp }[] = [
    {},
    { changes: { membersFingerprint: "" } },
    // A new node knows no id yet.
    { changes: { clusterId: "" } },
    { changes: { clusterName: "named there only" } },
    { changes: { clusterId: "other" }, reason: /node 0 belongs to cluster "other", node 1 to cluster "test"/ },
    { changes: { nodeId: 1 }, reason: /both nodes have the id 1/ },
    { changes: { membersFingerprint: "x" }, reason: /nodes 1 and 0 disagree about the ids and addresses/ },
    { to: 2, reason: /node 0 expects node 2 at this address, but this is node 1/ },
  ];
  for (const { changes, to = 1, reason } of cases) {
    const mismatch = findDialerMismatch(OWN, { ...introductionOf(0, changes), to });
    if (reason === undefined) assertEquals(mismatch, undefined);
    else assertMatch(mismatch ?? "", reason);
  }
});

Deno.test("nodes that were given different names refuse each other, whatever their ids", () => {
  const own = greetingOf(1, { clusterId: "", clusterName: "one" });
  const other = introductionOf(0, { clusterId: "", clusterName: "two" });
  const reason = /node 0 belongs to cluster "two", node 1 to cluster "one"/;
  assertMatch(findDialerMismatch(own, { ...other, to: 1 }) ?? "", reason);
  assertMatch(findAcceptorMismatch(own, other, 0) ?? "", reason);
});

Deno.test("a dialer refuses who is not the one it expects", () => {
  assertEquals(findAcceptorMismatch(OWN, introductionOf(2), 2), undefined);
  assertMatch(findAcceptorMismatch(OWN, introductionOf(2), 3) ?? "", /node 1 expects node 3 at this address/);
});

Deno.test("a proof depends on the secret, the role, the challenge and everything said", () => {
  const proof = proveDialer(PROVEN);
  assertMatch(proof, /^[0-9a-f]{64}$/);
  assert(sameProof(proof, proveDialer({ ...PROVEN })));
  const others = [
    proveDialer({ ...PROVEN, secret: "another secret" }),
    proveDialer({ ...PROVEN, challenge: "d".repeat(32) }),
    proveDialer({ ...PROVEN, dialerSaid: "I am 2" }),
    proveAcceptor({ ...PROVEN, acceptorSaid: "" }),
    proveAcceptor({ ...PROVEN, acceptorSaid: "I am 1" }),
    proof.slice(1),
  ];
  for (const other of others) assert(!sameProof(proof, other), other);
  assertEquals(new Set(others).size, others.length);
});

Deno.test("the keys of a link are of this link, one for each direction, and both ends have the same", () => {
  const [dialer, acceptor] = [dialerKeys(PROVEN), acceptorKeys(PROVEN)];
  assertEquals([dialer.outgoing, dialer.incoming], [acceptor.incoming, acceptor.outgoing]);
  assertNotEquals(dialer.outgoing, dialer.incoming);
  for (const changes of [{ challenge: "d".repeat(32) }, { dialerSaid: "I am 0 again" }, { secret: "another secret" }]) {
    assertNotEquals(dialerKeys({ ...PROVEN, ...changes }).outgoing, dialer.outgoing);
  }
});

Deno.test("nonces are 32 hex digits and never the same", () => {
  assertMatch(freshNonce(), /^[0-9a-f]{32}$/);
  assertNotEquals(freshNonce(), freshNonce());
});
