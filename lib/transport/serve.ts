/** What happens with the frames of a connection that is up, until it ends. */

import type { PeerMessage } from "./forward.ts";
import type { NodeId } from "../raft/types.ts";
import { decodeMessage } from "./codec.ts";
import { type Connection, LARGE_BODY_BYTES_MIN, type ReceivedFrame } from "./connection.ts";
import { decodeBeat, decodeRefused, encodePong } from "./control.ts";
import type { Peer } from "./peer.ts";
import type { PeerStatus } from "./transport.ts";

/** Where the frames of an incoming connection go. */
export interface IncomingSink {
  readonly ownId: NodeId;
  receive(message: PeerMessage): void;
  status(): PeerStatus;
}

/** Reads the answers to our pings. */
export async function serveOutgoing(peer: Peer, connection: Connection): Promise<void> {
  for (;;) {
    const frame = await connection.receive();
    if (frame === undefined) return;
    takeAnswer(peer, { connection, frame });
  }
}

/** Reads the peer's messages and pings, many for each read of the socket. */
export async function serveIncoming(
  peer: Peer,
  options: { readonly connection: Connection; readonly sink: IncomingSink },
): Promise<void> {
  const { connection, sink } = options;
  for (;;) {
    const frame = connection.next();
    if (frame !== undefined && frame.body.length >= LARGE_BODY_BYTES_MIN) {
      await takeLarge(peer, { connection, sink, frame });
    } else if (frame !== undefined) takeIncoming(peer, { connection, sink, frame });
    else if (!(await connection.fill())) return;
  }
}

function takeAnswer(peer: Peer, { connection, frame }: Pick<IncomingFrame, "connection" | "frame">): void {
  const refusal = decodeRefused(frame.fields);
  if (refusal !== undefined) return connection.close({ reason: refusal, expected: false, damage: false });
  const pong = decodeBeat(frame.fields, "Pong");
  if (pong === undefined || !peer.answer(pong)) refuse(connection, `unexpected frame "${frame.fields.rpc}"`);
}

interface IncomingFrame {
  readonly connection: Connection;
  readonly sink: IncomingSink;
  readonly frame: ReceivedFrame;
}

/**
 * To verify a body of 8 MiB, to decode it and to do what it says takes some 10 ms each: three turns. Nothing else is taken from
 * the connection meanwhile, so messages stay in order.
 */
async function takeLarge(peer: Peer, { connection, sink, frame }: IncomingFrame): Promise<void> {
  await connection.largeTurn();
  if (connection.ending !== undefined) return;
  const message = readMessage(peer, { connection, sink, frame });
  if (message === undefined) return;
  await connection.largeTurn();
  if (connection.ending === undefined) sink.receive(message);
}

function takeIncoming(peer: Peer, { connection, sink, frame }: IncomingFrame): void {
  if (frame.fields.rpc === "Ping") {
    const ping = decodeBeat(frame.fields, "Ping");
    if (ping === undefined) return refuse(connection, "malformed Ping");
    peer.learn(ping.status);
    connection.append(encodePong({ nonce: ping.nonce, status: sink.status() }));
    return connection.flush();
  }
  const message = readMessage(peer, { connection, sink, frame });
  if (message !== undefined) sink.receive(message);
}

/** The message of a frame; undefined when there is none, and then the connection has ended. */
function readMessage(peer: Peer, { connection, sink, frame }: IncomingFrame): PeerMessage | undefined {
  const message = decodeMessage(frame.fields, frame.body);
  if (message === undefined) return refuse(connection, "malformed message");
  if (message.from === peer.id && message.to === sink.ownId) return message;
  return refuse(connection, `message from node ${message.from} to node ${message.to}`);
}

function refuse(connection: Connection, reason: string): undefined {
  connection.close({ reason, expected: false, damage: true });
}
