/** Proofs of the cluster's secret, the keys of a link, and the rules by which two introductions fit together. Pure but for the nonce. */

import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { NodeId } from "../raft/types.ts";
import type { LinkKeys } from "./connection.ts";
import type { Introduction } from "./control.ts";
import type { Greeting } from "./transport.ts";

/** A nonce that was never used before and cannot be guessed. */
export function freshNonce(): string {
  return randomBytes(16).toString("hex");
}

/** What the nodes of a cluster share, and nobody else has. */
export interface Secrets {
  /** May be empty in TLS. */
  readonly secret: string;
  /** Counts as well, while a cluster changes from it to `secret`; left out where nothing else does. */
  readonly previousSecret?: string | undefined;
  /** The secret for nodes without TLS, of a node that has TLS; left out where those are not taken. */
  readonly plainSecret?: string | undefined;
  /** As `previousSecret`, for nodes without TLS. */
  readonly previousPlainSecret?: string | undefined;
}

/** The secrets alone of something that has more. */
export function secretsIn({ secret, previousSecret, plainSecret, previousPlainSecret }: Secrets): Secrets {
  return { secret, previousSecret, plainSecret, previousPlainSecret };
}

/** The first secret of this node, its own before the previous one, that `isShared` takes; undefined where it takes none. */
export function findShared(
  { secret, previousSecret }: Pick<Secrets, "secret" | "previousSecret">,
  isShared: (secret: string) => boolean,
): string | undefined {
  if (isShared(secret)) return secret;
  return previousSecret !== undefined && isShared(previousSecret) ? previousSecret : undefined;
}

/** What a dialer proves: that it has the secret, and has said this in answer to that challenge. */
export interface DialerProof {
  readonly secret: string;
  /** The acceptor's nonce. */
  readonly challenge: string;
  /** The text of the dialer's introduction, its own nonce in it. */
  readonly dialerSaid: string;
}

/** What an acceptor proves: the same, and what it has said itself. */
export interface AcceptorProof extends DialerProof {
  readonly acceptorSaid: string;
}

/** 64 hex digits. */
export function proveDialer({ secret, challenge, dialerSaid }: DialerProof): string {
  return keyedHash(secret, ["dialer", challenge, dialerSaid]).toString("hex");
}

/** 64 hex digits. */
export function proveAcceptor({ secret, challenge, dialerSaid, acceptorSaid }: AcceptorProof): string {
  return keyedHash(secret, ["acceptor", challenge, dialerSaid, acceptorSaid]).toString("hex");
}

/** The keys of a link, as its dialer uses them: of this link alone, since both nonces are in what was said. */
export function dialerKeys({ secret, challenge, dialerSaid }: DialerProof): LinkKeys {
  return {
    outgoing: keyedHash(secret, ["from the dialer", challenge, dialerSaid]),
    incoming: keyedHash(secret, ["from the acceptor", challenge, dialerSaid]),
  };
}

/** The same keys as the acceptor uses them. */
export function acceptorKeys(proof: DialerProof): LinkKeys {
  const { outgoing, incoming } = dialerKeys(proof);
  return { outgoing: incoming, incoming: outgoing };
}

function keyedHash(secret: string, parts: readonly string[]): Buffer {
  return createHmac("sha256", secret).update(JSON.stringify(["kvstore peers 2", ...parts])).digest();
}

/** Compares without telling by its duration where the proofs differ. */
export function sameProof(expected: string, given: string): boolean {
  const left = Buffer.from(expected);
  const right = Buffer.from(given);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** What an acceptor has against a dialer that has proved itself and means to reach node `to`; undefined when nothing. */
export function findDialerMismatch(
  own: Greeting,
  { greeting, to }: { readonly greeting: Greeting; readonly to: NodeId },
): string | undefined {
  const who = greeting.nodeId;
  const mismatch = findMismatch(own, greeting);
  if (mismatch !== undefined || to === own.nodeId) return mismatch;
  return `node ${who} expects node ${to} at this address, but this is node ${own.nodeId}`;
}

/** What a dialer has against who answered and has proved itself; undefined when it is the right one. */
export function findAcceptorMismatch(
  own: Greeting,
  { greeting }: Pick<Introduction, "greeting">,
  expected: NodeId,
): string | undefined {
  const mismatch = findMismatch(own, greeting);
  if (mismatch !== undefined || greeting.nodeId === expected) return mismatch;
  return `node ${own.nodeId} expects node ${expected} at this address, but this is node ${greeting.nodeId}`;
}

/** Whether two nodes are of different clusters, by the ids or by the names that operators gave; a new node has no id yet. */
export function findOtherCluster(own: Greeting, other: Greeting): string | undefined {
  const pairs = [[other.clusterName, own.clusterName], [other.clusterId, own.clusterId]] as const;
  const different = pairs.find(([theirs, ours]) => theirs !== "" && ours !== "" && theirs !== ours);
  if (different === undefined) return undefined;
  return `node ${other.nodeId} belongs to cluster "${different[0]}", node ${own.nodeId} to cluster "${different[1]}"`;
}

function findMismatch(own: Greeting, other: Greeting): string | undefined {
  const who = other.nodeId;
  const otherCluster = findOtherCluster(own, other);
  if (otherCluster !== undefined) return otherCluster;
  if (who === own.nodeId) return `both nodes have the id ${who}`;
  const fingerprints = [own.membersFingerprint, other.membersFingerprint];
  if (fingerprints[0] !== fingerprints[1] && !fingerprints.includes("")) {
    return `nodes ${own.nodeId} and ${who} disagree about the ids and addresses of the cluster's nodes: ` +
      "start every node with the same list of peers";
  }
  return undefined;
}
