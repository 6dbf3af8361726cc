import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  findHelloMismatch,
  findWelcomeMismatch,
  freshNonce,
  prove,
  sameProof,
} from "../../../lib/transport/credentials.ts";
import { type Hello, type Introduction, PROTOCOL_VERSION } from "../../../lib/transport/control.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import { greetingOf } from "./support.ts";

function introductionOf(id: number, changes: Partial<Greeting> = {}): Introduction {
  return { version: PROTOCOL_VERSION, greeting: greetingOf(id, changes), nonce: "a".repeat(32), secured: false };
}

const OWN = { greeting: greetingOf(1), secured: false };

Deno.test("an acceptor refuses who does not fit, and says why", () => {
  const cases: readonly { changes?: Partial<Greeting>; hello?: Partial<Hello>; known?: boolean; reason?: RegExp }[] = [
    {},
    { changes: { membersFingerprint: "" } },
    { changes: { clusterId: "other" }, reason: /node 0 belongs to cluster "other", node 1 to cluster "test"/ },
    { changes: { nodeId: 1 }, reason: /both nodes have the id 1/ },
    { changes: { membersFingerprint: "x" }, reason: /nodes 1 and 0 disagree about the ids and addresses/ },
    { hello: { to: 2 }, reason: /node 0 expects node 2 at this address, but this is node 1/ },
    { hello: { secured: true }, reason: /node 0 has a cluster secret and node 1 has none/ },
    { known: false, reason: /node 1 knows no node 0/ },
  ];
  for (const { changes, hello, known, reason } of cases) {
    const mismatch = findHelloMismatch(OWN, {
      hello: { ...introductionOf(0, changes), to: 1, ...hello },
      known: known ?? true,
    });
    if (reason === undefined) assertEquals(mismatch, undefined);
    else assertMatch(mismatch ?? "", reason);
  }
});

Deno.test("a dialer refuses who is not the one it expects", () => {
  assertEquals(findWelcomeMismatch(OWN, introductionOf(2), 2), undefined);
  assertMatch(findWelcomeMismatch(OWN, introductionOf(2), 3) ?? "", /node 1 expects node 3 at this address/);
  assertMatch(
    findWelcomeMismatch({ ...OWN, secured: true }, introductionOf(2), 2) ?? "",
    /node 1 has a cluster secret/,
  );
});

Deno.test("a proof depends on the secret, the role and everything said", () => {
  const both = { dialer: introductionOf(0), acceptor: introductionOf(1) };
  const proof = prove("dialer", { both, secret: "secret" });
  assertMatch(proof, /^[0-9a-f]{64}$/);
  assert(sameProof(proof, prove("dialer", { both, secret: "secret" })));
  const others = [
    prove("acceptor", { both, secret: "secret" }),
    prove("dialer", { both, secret: "Secret" }),
    prove("dialer", { both: { ...both, dialer: { ...both.dialer, nonce: "b".repeat(32) } }, secret: "secret" }),
    prove("dialer", { both: { ...both, acceptor: { ...both.acceptor, nonce: "b".repeat(32) } }, secret: "secret" }),
    prove("dialer", { both: { ...both, dialer: introductionOf(0, { identity: "x" }) }, secret: "secret" }),
    prove("dialer", { both: { ...both, dialer: introductionOf(0, { rejoin: true }) }, secret: "secret" }),
    prove("dialer", { both: { dialer: both.acceptor, acceptor: both.dialer }, secret: "secret" }),
    prove("dialer", { both, secret: undefined }),
    proof.slice(1),
  ];
  for (const other of others) assert(!sameProof(proof, other), other);
  assertEquals(new Set(others).size, others.length);
});

Deno.test("without a secret there is nothing to prove", () => {
  assertEquals(
    prove("dialer", { both: { dialer: introductionOf(0), acceptor: introductionOf(1) }, secret: undefined }),
    "",
  );
});

Deno.test("nonces are 32 hex digits and never the same", () => {
  assertMatch(freshNonce(), /^[0-9a-f]{32}$/);
  assertNotEquals(freshNonce(), freshNonce());
});
