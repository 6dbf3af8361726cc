/** Proofs of the shared cluster secret, and the rules by which two introductions fit together. Pure but for the nonce. */

import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { NodeId } from "../raft/types.ts";
import type { Hello, Introduction } from "./control.ts";
import type { Greeting } from "./transport.ts";

/** The two introductions of one connection. */
export interface Introductions {
  readonly dialer: Introduction;
  readonly acceptor: Introduction;
}

/** What a node knows when it looks at the other side's introduction. */
export interface Expectation {
  readonly greeting: Greeting;
  readonly secured: boolean;
}

/** A nonce that was never used before and cannot be guessed. */
export function freshNonce(): string {
  return randomBytes(16).toString("hex");
}

/** What a proof is about. */
export interface Proven {
  readonly both: Introductions;
  readonly secret: string | undefined;
}

/** HMAC-SHA256 of role, nonces and everything both sides said of themselves; "" without a secret. 64 hex digits. */
export function prove(role: "dialer" | "acceptor", { both, secret }: Proven): string {
  if (secret === undefined) return "";
  const parts = [role, ...spoken(both.dialer), ...spoken(both.acceptor)];
  return createHmac("sha256", secret).update(JSON.stringify(parts)).digest("hex");
}

/** Compares without telling by its duration where the proofs differ. */
export function sameProof(expected: string, given: string): boolean {
  const left = Buffer.from(expected);
  const right = Buffer.from(given);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Why the other side cannot be talked to, or undefined. `who` names it in the reason. */
export function findMismatch(own: Expectation, other: Introduction, who: NodeId): string | undefined {
  const mine = own.greeting;
  const { greeting } = other;
  if (greeting.clusterId !== mine.clusterId) {
    return `node ${who} belongs to cluster "${greeting.clusterId}", node ${mine.nodeId} to cluster "${mine.clusterId}"`;
  }
  if (greeting.nodeId === mine.nodeId) return `both nodes have the id ${mine.nodeId}`;
  if (other.secured !== own.secured) {
    const [has, lacks] = own.secured ? [mine.nodeId, who] : [who, mine.nodeId];
    return `node ${has} has a cluster secret and node ${lacks} has none`;
  }
  const fingerprints = [mine.membersFingerprint, greeting.membersFingerprint];
  if (fingerprints[0] !== fingerprints[1] && !fingerprints.includes("")) {
    return `nodes ${mine.nodeId} and ${who} disagree about the ids and addresses of the cluster's nodes: ` +
      "start every node with the same list of peers";
  }
  return undefined;
}

/** What an acceptor has against a dialer, before any proof; `known` tells whether it is one of its peers. */
export function findHelloMismatch(
  own: Expectation,
  { hello, known }: { readonly hello: Hello; readonly known: boolean },
): string | undefined {
  const id = own.greeting.nodeId;
  const who = hello.greeting.nodeId;
  const mismatch = findMismatch(own, hello, who);
  if (mismatch !== undefined) return mismatch;
  if (hello.to !== id) return `node ${who} expects node ${hello.to} at this address, but this is node ${id}`;
  return known ? undefined : `node ${id} knows no node ${who}`;
}

/** What a dialer has against who answered, before any proof. */
export function findWelcomeMismatch(own: Expectation, other: Introduction, expected: NodeId): string | undefined {
  const who = other.greeting.nodeId;
  const mismatch = findMismatch(own, other, who);
  if (mismatch !== undefined || who === expected) return mismatch;
  return `node ${own.greeting.nodeId} expects node ${expected} at this address, but this is node ${who}`;
}

function spoken({ version, greeting, nonce, secured }: Introduction): readonly unknown[] {
  return [
    version,
    greeting.clusterId,
    greeting.nodeId,
    greeting.incarnation,
    greeting.identity,
    greeting.rejoin,
    greeting.configurationIndex,
    greeting.membersFingerprint,
    greeting.clientAddress,
    greeting.peerAddress,
    greeting.httpAddress ?? "",
    nonce,
    secured,
  ];
}
