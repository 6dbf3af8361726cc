/**
 * The handshake of a connection between two servers.
 *
 *     dialer    Hello(version, greeting, nonce, to)  ->
 *                                                    <-  Welcome(version, greeting, nonce, proof)   acceptor
 *               Proof(proof)                         ->
 *                                                    <-  Accepted
 *
 * Either side may send Refused(reason) instead of its next frame and close. Messages may follow Accepted only, so that
 * both sides agree on whether the connection is up.
 */

import type { NodeId } from "../raft/types.ts";
import type { Connection, ReceivedFrame } from "./connection.ts";
import {
  ACCEPTED_HEADER,
  decodeHello,
  decodeProof,
  decodeRefused,
  decodeWelcome,
  encodeHello,
  encodeProof,
  encodeRefused,
  encodeWelcome,
  type Introduction,
  PROTOCOL_VERSION,
} from "./control.ts";
import {
  findHelloMismatch,
  findWelcomeMismatch,
  freshNonce,
  type Introductions,
  prove,
  sameProof,
} from "./credentials.ts";
import type { Greeting } from "./transport.ts";

/** Who this node is and whom it takes. */
export interface HandshakeOptions {
  readonly greeting: Greeting;
  readonly secret: string | undefined;
  /** Whether the id is one of the servers to talk to. */
  knows(id: NodeId): boolean;
  admit(greeting: Greeting): string | undefined;
}

/** How a handshake ended. On the accepting side `claimedId` is who the dialer said it was, proved or not. */
export type HandshakeResult =
  | { readonly type: "Admitted"; readonly greeting: Greeting }
  | { readonly type: "Refused"; readonly reason: string; readonly claimedId: NodeId | undefined }
  | { readonly type: "Lost" };

const LOST: HandshakeResult = { type: "Lost" };
const NO_REASON = "refused without a reason";

/** The dialer's part. The connection stays open only when the result is Admitted. */
export async function dialHandshake(
  connection: Connection,
  options: HandshakeOptions & { readonly expected: NodeId },
): Promise<HandshakeResult> {
  const dialer = introduce(options);
  send(connection, encodeHello({ ...dialer, to: options.expected }));
  const answer = await connection.receive();
  if (answer === undefined) return LOST;
  const welcome = decodeWelcome(answer.fields);
  if (welcome === undefined) return takeRefusal(connection, { frame: answer, claimedId: undefined });
  const claimedId = welcome.greeting.nodeId;
  const both: Introductions = { dialer, acceptor: welcome };
  const objection = findWelcomeMismatch(expectation(options), welcome, options.expected) ??
    (sameProof(prove("acceptor", { both, secret: options.secret }), welcome.proof)
      ? undefined
      : wrongSecret(claimedId)) ??
    options.admit(welcome.greeting);
  if (objection !== undefined) return await refuse(connection, { reason: objection, claimedId });
  send(connection, encodeProof(prove("dialer", { both, secret: options.secret })));
  const verdict = await connection.receive();
  if (verdict === undefined) return LOST;
  if (verdict.fields.rpc !== "Accepted") return takeRefusal(connection, { frame: verdict, claimedId });
  connection.trust();
  return { type: "Admitted", greeting: welcome.greeting };
}

/** The acceptor's part. The connection stays open only when the result is Admitted. */
export async function acceptHandshake(connection: Connection, options: HandshakeOptions): Promise<HandshakeResult> {
  const first = await connection.receive();
  if (first === undefined) return LOST;
  const hello = decodeHello(first.fields);
  if (hello === undefined) return damaged(connection, "first frame is not a Hello");
  if ("otherVersion" in hello) {
    const reason = `protocol version ${hello.otherVersion} is not spoken here, only version ${PROTOCOL_VERSION}`;
    return await refuse(connection, { reason, claimedId: undefined });
  }
  const claimedId = hello.greeting.nodeId;
  const mismatch = findHelloMismatch(expectation(options), { hello, known: options.knows(claimedId) });
  if (mismatch !== undefined) return await refuse(connection, { reason: mismatch, claimedId });
  const acceptor = introduce(options);
  const both: Introductions = { dialer: hello, acceptor };
  send(connection, encodeWelcome({ ...acceptor, proof: prove("acceptor", { both, secret: options.secret }) }));
  const second = await connection.receive();
  if (second === undefined) return LOST;
  const proof = decodeProof(second.fields);
  if (proof === undefined) return takeRefusal(connection, { frame: second, claimedId });
  const objection = sameProof(prove("dialer", { both, secret: options.secret }), proof)
    ? options.admit(hello.greeting)
    : wrongSecret(claimedId);
  if (objection !== undefined) return await refuse(connection, { reason: objection, claimedId });
  // The caller puts Accepted first into the connection: it may refuse still, when the peer was removed meanwhile.
  connection.trust();
  return { type: "Admitted", greeting: hello.greeting };
}

/** Ends the handshake on the accepting side. */
export function acceptPeer(connection: Connection): void {
  send(connection, ACCEPTED_HEADER);
}

function introduce(options: HandshakeOptions): Introduction {
  return {
    version: PROTOCOL_VERSION,
    // As it is now: both ends must speak of the same one until the proofs are compared.
    greeting: { ...options.greeting },
    nonce: freshNonce(),
    secured: options.secret !== undefined,
  };
}

function expectation({ greeting, secret }: HandshakeOptions): { greeting: Greeting; secured: boolean } {
  return { greeting, secured: secret !== undefined };
}

function wrongSecret(who: NodeId): string {
  return `node ${who} has another cluster secret`;
}

function send(connection: Connection, header: string): void {
  connection.append(header);
  connection.flush();
}

async function refuse(
  connection: Connection,
  refusal: { readonly reason: string; readonly claimedId: NodeId | undefined },
): Promise<HandshakeResult> {
  await connection.finish(encodeRefused(refusal.reason), refusal.reason);
  return { type: "Refused", ...refusal };
}

function takeRefusal(
  connection: Connection,
  from: { readonly frame: ReceivedFrame; readonly claimedId: NodeId | undefined },
): HandshakeResult {
  const reason = decodeRefused(from.frame.fields);
  if (reason === undefined) return damaged(connection, "unexpected frame in the handshake");
  connection.close({ reason, expected: false, damage: false });
  return { type: "Refused", reason: reason === "" ? NO_REASON : reason, claimedId: from.claimedId };
}

function damaged(connection: Connection, reason: string): HandshakeResult {
  connection.close({ reason, expected: false, damage: true });
  return LOST;
}
