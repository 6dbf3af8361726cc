/**
 * The handshake of a connection between two servers that share the cluster's secret.
 *
 *     dialer                                         <-  Challenge(nonce)              acceptor
 *               Proof(said, proof)                   ->
 *                                                    <-  Welcome(said, proof)
 *               Accepted                             ->
 *
 * `said` is a side's introduction: versions, greeting, and from the dialer its own nonce and whom it means to reach. Until the
 * dialer has proved that it has the secret it learns a nonce and nothing else; whoever has proved it may send Refused(reason)
 * instead of its next frame and close. Each frame behind Welcome has a tag (seal.ts), Accepted included; messages may follow
 * Accepted only, so that both sides agree on whether the connection is up.
 *
 * A node on its way from one secret to another has both: its Proof proves both, the previous one where programs that know of one
 * look, and the acceptor answers with the newest one that it has itself.
 *
 * In TLS Proof and Welcome also hold the side's certificate and a signature over all that was said (evidence.ts), frames have no
 * tags, since TLS keeps them as they were sent, and the secret may be empty.
 */

import type { NodeId } from "../raft/types.ts";
import type { Connection, ReceivedFrame } from "./connection.ts";
import {
  ACCEPTED_HEADER,
  clusterOfRefusal,
  decodeChallenge,
  decodeRefused,
  decodeStatement,
  encodeChallenge,
  encodeProof,
  encodeRefused,
  encodeWelcome,
  type Introduction,
  readIntroduction,
  sayIntroduction,
  type Statement,
} from "./control.ts";
import {
  acceptorKeys,
  dialerKeys,
  type DialerProof,
  findAcceptorMismatch,
  findDialerMismatch,
  findOtherCluster,
  findShared,
  freshNonce,
  proveAcceptor,
  proveDialer,
  sameProof,
  type Secrets,
} from "./credentials.ts";
import { evidenceOf, type Judged, judgeEvidence } from "./evidence.ts";
import type { PeerSecurity } from "./security.ts";
import type { Acquaintance, Greeting, PeerRefusal } from "./transport.ts";
import { describeDisagreement, type VersionRange } from "./versions.ts";

/** Who this node is and whom it takes. */
export interface HandshakeOptions extends Secrets {
  readonly greeting: Greeting;
  /** The connection has TLS, and both sides prove who they are by their certificates. */
  readonly security?: PeerSecurity | undefined;
  /** Whether the id is one of the servers to talk to. */
  knows(id: NodeId): boolean;
  admit(greeting: Greeting): PeerRefusal | undefined;
  acquaint(greeting: Greeting, wantsId: boolean): Acquaintance;
}

/** How to shake hands on a connection that has TLS or not. */
export function spokenWith<T extends Secrets & Pick<HandshakeOptions, "security">>(
  options: T,
  hasTls: boolean,
): T {
  const { security, plainSecret, previousPlainSecret } = options;
  if (hasTls || security === undefined || plainSecret === undefined) return options;
  return { ...options, secret: plainSecret, previousSecret: previousPlainSecret, security: undefined };
}

/** How a handshake ended. `claimedId` is who the other side is, once that is proved. */
export type HandshakeResult =
  | { readonly type: "Admitted"; readonly greeting: Greeting }
  | ({ readonly type: "Refused" } & Refusal)
  /** The dialer asked who is there. */
  | { readonly type: "Acquainted"; readonly greeting: Greeting; readonly acquaintance: Acquaintance }
  | { readonly type: "Lost" };

const LOST: HandshakeResult = { type: "Lost" };
const NO_REASON = "refused without a reason";
/** All that is told to somebody who may be anybody. */
const WRONG_SECRET = "the cluster secrets of the two nodes differ";

/** The dialer's part. The connection stays open only when the result is Admitted. */
export async function dialHandshake(
  connection: Connection,
  options: HandshakeOptions & { readonly expected: NodeId },
): Promise<HandshakeResult> {
  const { expected } = options;
  const heard = await introduce(connection, { ...options, said: { to: expected } });
  if ("type" in heard) return heard;
  const { greeting: { nodeId: claimedId }, removed = false } = heard;
  const mismatch = findAcceptorMismatch(options.greeting, heard, expected);
  const objection = mismatch ??
    (removed ? describeRemoval(options.greeting.nodeId) : options.admit(heard.greeting)?.reason);
  if (objection !== undefined) {
    return await refuse(connection, { reason: objection, claimedId, removed: removed && mismatch === undefined });
  }
  send(connection, ACCEPTED_HEADER);
  return { type: "Admitted", greeting: heard.greeting };
}

/** The dialer's part where it asks who is there, and who the members are. The connection does not stay open. */
export async function askWhoIsThere(
  connection: Connection,
  options: Own & { readonly wantsId: boolean },
): Promise<HandshakeResult> {
  const { wantsId, greeting: own } = options;
  const heard = await introduce(connection, { ...options, said: wantsId ? { wantsId } : {} });
  if ("type" in heard) return heard;
  const { greeting, acquaintance } = heard;
  if (acquaintance === undefined) return damaged(connection, "a Welcome does not say who the members are");
  const mismatch = findOtherCluster(own, greeting);
  if (mismatch !== undefined) return await refuse(connection, { reason: mismatch, claimedId: undefined });
  connection.close({ reason: "asked who is there", expected: true, damage: false });
  return { type: "Acquainted", greeting, acquaintance };
}

/** Says who the dialer is, and resolves to what the acceptor says of itself once it has proved to have the secret. */
async function introduce(
  connection: Connection,
  { greeting, security, said, ...secrets }: Own & { readonly said: Pick<Introduction, "to" | "wantsId"> },
): Promise<Introduction | HandshakeResult> {
  const first = await connection.receive();
  if (first === undefined) return LOST;
  const challenge = decodeChallenge(first.fields);
  if (challenge === undefined) return takeRefusal(connection, { frame: first, claimedId: undefined });
  const dialerSaid = say(greeting, { nonce: freshNonce(), ...said });
  const own = evidenceOf(security, ["dialer", challenge, dialerSaid]);
  send(connection, encodeProof({ said: dialerSaid, ...proofsOf(secrets, { challenge, dialerSaid }), ...own }));
  const answer = await connection.receive();
  if (answer === undefined) return LOST;
  const welcome = decodeStatement(answer.fields, "Welcome");
  if (welcome === undefined) return takeRefusal(connection, { frame: answer, claimedId: undefined });
  const { said: acceptorSaid, proof } = welcome;
  const judged = judgeEvidence(security, {
    statement: welcome,
    parts: ["acceptor", challenge, dialerSaid, acceptorSaid],
  });
  // Whoever cannot prove it is told nothing more.
  if ("objection" in judged) return distrust(connection, judged.objection);
  const answered = { challenge, dialerSaid, acceptorSaid };
  const secret = findShared(secrets, (mine) => sameProof(proveAcceptor({ secret: mine, ...answered }), proof));
  if (secret === undefined) return distrust(connection, WRONG_SECRET);
  connection.trust(security === undefined ? dialerKeys({ secret, challenge, dialerSaid }) : undefined);
  const acceptor = readIntroduction(acceptorSaid, greeting.versions);
  if (acceptor === undefined) return damaged(connection, "the introduction in a Welcome is malformed");
  if ("otherVersions" in acceptor) return await refuse(connection, disagreement(greeting, acceptor.otherVersions));
  const objection = findImpostor(judged, acceptor.greeting);
  return objection === undefined ? acceptor : await refuse(connection, { reason: objection, claimedId: undefined });
}

/** The acceptor's part. The connection stays open only when the result is Admitted. */
export async function acceptHandshake(connection: Connection, options: HandshakeOptions): Promise<HandshakeResult> {
  const { security, greeting: own } = options;
  const challenge = freshNonce();
  send(connection, encodeChallenge(challenge));
  const first = await connection.receive();
  if (first === undefined) return LOST;
  const statement = decodeStatement(first.fields, "Proof");
  if (statement === undefined) return damaged(connection, "first frame is not a Proof");
  const { said: dialerSaid } = statement;
  const judged = judgeEvidence(security, { statement, parts: ["dialer", challenge, dialerSaid] });
  if ("objection" in judged) return await refuse(connection, { reason: judged.objection, claimedId: undefined });
  const secret = findProven(options, { statement, challenge });
  if (secret === undefined) return await refuse(connection, { reason: WRONG_SECRET, claimedId: judged.nodeId });
  const proven = { secret, challenge, dialerSaid };
  const dialer = readIntroduction(dialerSaid, own.versions);
  if (dialer === undefined) return damaged(connection, "the introduction in a Proof is malformed");
  if ("otherVersions" in dialer) return await refuse(connection, disagreement(own, dialer.otherVersions));
  const impostor = findImpostor(judged, dialer.greeting);
  if (impostor !== undefined) return await refuse(connection, { reason: impostor, claimedId: undefined });
  const answer = judge(options, dialer);
  // It meant this node: if it holds nothing it has to know that there is data here.
  if ("reason" in answer) return await refuse(connection, answer, answer.clusterId);
  const acceptorSaid = say(own, { nonce: "", to: own.nodeId, ...answer });
  const evidence = evidenceOf(security, ["acceptor", challenge, dialerSaid, acceptorSaid]);
  const welcome = encodeWelcome({ said: acceptorSaid, proof: proveAcceptor({ ...proven, acceptorSaid }), ...evidence });
  if (answer.acquaintance !== undefined) {
    await connection.finish(welcome, "asked who is there");
    return LOST;
  }
  if (answer.removed === true) {
    // Proven by the Welcome, so that nobody but a member can tell a node that it was removed.
    const reason = describeRemoval(dialer.greeting.nodeId);
    await connection.finish(welcome, reason);
    return { type: "Refused", reason, claimedId: dialer.greeting.nodeId };
  }
  send(connection, welcome);
  connection.trust(security === undefined ? acceptorKeys(proven) : undefined);
  const last = await connection.receive();
  if (last === undefined) return LOST;
  if (last.fields.rpc !== "Accepted") {
    return takeRefusal(connection, { frame: last, claimedId: dialer.greeting.nodeId });
  }
  return { type: "Admitted", greeting: dialer.greeting };
}

/** The proofs of a dialer's secrets. Programs that know of one proof read the previous secret's, which is the one that all nodes have. */
function proofsOf(
  { secret, previousSecret }: Pick<Secrets, "secret" | "previousSecret">,
  said: Pick<DialerProof, "challenge" | "dialerSaid">,
): Pick<Statement, "proof" | "newProof"> {
  const proof = proveDialer({ secret, ...said });
  if (previousSecret === undefined) return { proof };
  return { proof: proveDialer({ secret: previousSecret, ...said }), newProof: proof };
}

/** The secret that a dialer has proved to have; undefined where that is none of this node's. */
function findProven(
  secrets: Secrets,
  { statement: { said: dialerSaid, proof, newProof }, challenge }: {
    readonly statement: Statement;
    readonly challenge: string;
  },
): string | undefined {
  return findShared(secrets, (secret) => {
    const expected = proveDialer({ secret, challenge, dialerSaid });
    return sameProof(expected, proof) || (newProof !== undefined && sameProof(expected, newProof));
  });
}

/** What an acceptor tells a dialer that has proved itself, beside its greeting: or why it is refused. */
function judge(
  { greeting: own, knows, admit, acquaint }: HandshakeOptions,
  dialer: Introduction,
): Refusal | Pick<Introduction, "acquaintance" | "removed"> {
  const { greeting, to, wantsId = false } = dialer;
  if (to === undefined) {
    const mismatch = findOtherCluster(own, greeting);
    if (mismatch !== undefined) return { reason: mismatch, claimedId: undefined };
    return { acquaintance: acquaint(greeting, wantsId) };
  }
  const claimedId = greeting.nodeId;
  const mismatch = findDialerMismatch(own, { greeting, to });
  if (mismatch !== undefined) return { reason: mismatch, claimedId };
  const objection = admit(greeting);
  if (objection?.removed === true) return { removed: true };
  if (objection !== undefined) return { reason: objection.reason, claimedId, clusterId: own.clusterId };
  return knows(claimedId) ? {} : { reason: `node ${own.nodeId} knows no node ${claimedId}`, claimedId };
}

/** Whether somebody uses another id than that of the certificate. */
function findImpostor({ nodeId }: Judged, { nodeId: claimed }: Greeting): string | undefined {
  if (nodeId === undefined || nodeId === claimed) return undefined;
  return `it says that it is node ${claimed}, and its certificate is of node ${nodeId}`;
}

function describeRemoval(id: NodeId): string {
  return `node ${id} was removed from the cluster`;
}

function say(greeting: Greeting, more: Omit<Introduction, "greeting">): string {
  // As it is now: the greeting changes while the node lives.
  return sayIntroduction({ greeting: { ...greeting }, ...more });
}

function disagreement(own: Greeting, versions: VersionRange): Refusal {
  return { reason: describeDisagreement(own, versions), claimedId: undefined };
}

/** What a side brings to a handshake itself. */
type Own = Secrets & Pick<HandshakeOptions, "greeting" | "security">;

interface Refusal {
  readonly reason: string;
  readonly claimedId: NodeId | undefined;
  /** The cluster of the node that refused this one; left out where it said none. */
  readonly clusterId?: string;
  /** Proven: this node was removed from the cluster for good. */
  readonly removed?: boolean;
}

function send(connection: Connection, header: string): void {
  connection.append(header);
  connection.flush();
}

async function refuse(connection: Connection, refusal: Refusal, clusterId = ""): Promise<HandshakeResult> {
  await connection.finish(encodeRefused(refusal.reason, clusterId), refusal.reason);
  return { type: "Refused", ...refusal };
}

/** The other side has not proved itself: it gets no answer. */
function distrust(connection: Connection, reason: string): HandshakeResult {
  connection.close({ reason, expected: false, damage: false });
  return { type: "Refused", reason, claimedId: undefined };
}

function takeRefusal(
  connection: Connection,
  from: { readonly frame: ReceivedFrame; readonly claimedId: NodeId | undefined },
): HandshakeResult {
  const { frame: { fields }, claimedId } = from;
  const reason = decodeRefused(fields);
  if (reason === undefined) return damaged(connection, "unexpected frame in the handshake");
  connection.close({ reason, expected: false, damage: false });
  const clusterId = clusterOfRefusal(fields);
  const cluster = clusterId === "" ? {} : { clusterId };
  return { type: "Refused", reason: reason === "" ? NO_REASON : reason, claimedId, ...cluster };
}

function damaged(connection: Connection, reason: string): HandshakeResult {
  connection.close({ reason, expected: false, damage: true });
  return LOST;
}
