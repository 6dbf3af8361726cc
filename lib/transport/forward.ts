/** Commands that a follower passes on to the leader for its clients, and their outcomes: one hop, no part of Raft. */

import { decodeByteList, encodeByteList } from "../base/byte_list.ts";
import type { Message } from "../raft/messages.ts";
import type { NodeId } from "../raft/types.ts";
import type { Fields } from "./fields.ts";

/** Commands for the leader, in the order in which they shall be appended. */
export interface Forward {
  readonly type: "Forward";
  readonly from: NodeId;
  readonly to: NodeId;
  /** Name of the sender's life: an answer for an earlier one is dropped. */
  readonly incarnation: number;
  /** Rises by one with each frame of that life. */
  readonly id: number;
  /** The number of the frame that must have been taken just before; 0 in the first frame of a chain. */
  readonly after: number;
  /** Encoded commands. */
  readonly commands: readonly string[];
}

/** Outcomes of some of the commands of a `Forward`: those from `first` on. */
export interface ForwardResult {
  readonly type: "ForwardResult";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly incarnation: number;
  readonly id: number;
  readonly first: number;
  /** Encoded outcomes; see lib/node/writes/outcomes.ts. */
  readonly outcomes: readonly string[];
}

/** Everything that servers send to each other. */
export type PeerMessage = Message | Forward | ForwardResult;

/** Whether a message is one of this file. */
export function isForwarding(message: PeerMessage): message is Forward | ForwardResult {
  return message.type === "Forward" || message.type === "ForwardResult";
}

/** The wire form. */
export function encodeForwarding(
  message: Forward | ForwardResult,
): { readonly header: string; readonly body: Uint8Array } {
  const { type: rpc, from, to, incarnation, id } = message;
  if (message.type === "Forward") {
    const header = JSON.stringify({ rpc, from, to, incarnation, id, after: message.after });
    return { header, body: encodeByteList(message.commands) };
  }
  const header = JSON.stringify({ rpc, from, to, incarnation, id, first: message.first });
  return { header, body: encodeByteList(message.outcomes) };
}

/** Reads what `encodeForwarding` made; undefined for everything else. */
export function decodeForwarding(fields: Fields, body: Uint8Array): Forward | ForwardResult | undefined {
  const { rpc } = fields;
  if (rpc !== "Forward" && rpc !== "ForwardResult") return undefined;
  const envelope = { from: fields.nodeId("from"), to: fields.nodeId("to") };
  const call = { incarnation: fields.count("incarnation"), id: fields.count("id") };
  const place = fields.count(rpc === "Forward" ? "after" : "first");
  const items = fields.valid ? decodeByteList(body) : undefined;
  if (items === undefined || items.length === 0) return undefined;
  if (rpc === "Forward") return { type: rpc, ...envelope, ...call, after: place, commands: items };
  return { type: rpc, ...envelope, ...call, first: place, outcomes: items };
}
