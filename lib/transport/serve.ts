/** What happens with the frames of a connection that is up, until it ends. */

import type { PeerMessage } from "./forward.ts";
import type { NodeId } from "../raft/types.ts";
import { decodeMessage } from "./codec.ts";
import type { Connection, ReceivedFrame } from "./connection.ts";
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
    if (frame !== undefined) takeIncoming(peer, { connection, sink, frame });
    else if (!(await connection.fill())) return;
  }
}

function takeAnswer(peer: Peer, { connection, frame }: Pick<IncomingFrame, "connection" | "frame">): void {
  const refusal = decodeRefused(frame.fields);
  if (refusal !== undefined) return connection.close({ reason: refusal, expected: false, damage: false });
  const pong = decodeBeat(frame.fields, "Pong");
  if (pong === undefined || !peer.answer(pong.nonce)) {
    return refuse(connection, `unexpected frame "${frame.fields.rpc}"`);
  }
  peer.learn(pong.status);
}

interface IncomingFrame {
  readonly connection: Connection;
  readonly sink: IncomingSink;
  readonly frame: ReceivedFrame;
}

function takeIncoming(peer: Peer, { connection, sink, frame }: IncomingFrame): void {
  if (frame.fields.rpc === "Ping") {
    const ping = decodeBeat(frame.fields, "Ping");
    if (ping === undefined) return refuse(connection, "malformed Ping");
    peer.learn(ping.status);
    connection.append(encodePong({ nonce: ping.nonce, status: sink.status() }));
    return connection.flush();
  }
  const message = decodeMessage(frame.fields, frame.body);
  if (message === undefined) return refuse(connection, "malformed message");
  if (message.from !== peer.id || message.to !== sink.ownId) {
    return refuse(connection, `message from node ${message.from} to node ${message.to}`);
  }
  sink.receive(message);
}

function refuse(connection: Connection, reason: string): void {
  connection.close({ reason, expected: false, damage: true });
}
