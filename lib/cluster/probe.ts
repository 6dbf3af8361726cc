/** Asks a node about itself over the text protocol, as any client could. */

import { LAUNCHER } from "../access/login.ts";
import { connectionTo, makePass, PASS_USER } from "../access/node_pass.ts";
import { TlsError, type Trust } from "../base/dial.ts";
import type { NodeId } from "../raft/types.ts";
import { ConnectionLostError, TextConnection, type TextRequest } from "./text_connection.ts";

/** A node as its own STATUS shows it. */
export interface NodeView {
  readonly nodeId: NodeId | undefined;
  /** "Leader", "Follower" and so on, as shown. */
  readonly role: string;
  readonly leaderId: NodeId | undefined;
}

/** How a node belongs to its cluster. */
export type Membership = "Voter" | "Learner";

/** Who belongs to the cluster by the word of one node; nobody where it has not joined. */
export type Members = ReadonlyMap<NodeId, Membership>;

/** Where a node listens for clients. */
interface Endpoint {
  readonly hostname: string;
  readonly port: number;
  /** TLS, and whom to believe. */
  readonly trust?: Trust | undefined;
}

/** By what the launcher is let in where clients have to log in: its secret, for the node of that id. */
export interface ProbePass {
  readonly secret: string;
  readonly id: NodeId;
}

/** How long an answer is waited for, and the pass. */
export interface Probe {
  readonly timeoutMs: number;
  readonly pass?: ProbePass | undefined;
}

/** STATUS over a connection of its own; undefined when the node does not answer in time. */
export async function probeNode(
  endpoint: Endpoint,
  { timeoutMs, pass }: Probe,
): Promise<NodeView | undefined> {
  const reply = await askOnce(endpoint, { line: "STATUS", timeoutMs, pass });
  return reply === undefined ? undefined : readStatus(reply);
}

/** Who belongs to the cluster, as a node says; undefined when it does not answer in time. */
export async function probeMembers(endpoint: Endpoint, { timeoutMs, pass }: Probe): Promise<Members | undefined> {
  const reply = await askOnce(endpoint, { line: "CLUSTER", timeoutMs, pass });
  return reply === undefined ? undefined : readMembers(reply);
}

async function askOnce(
  endpoint: Endpoint,
  { pass, ...question }: Pick<TextRequest, "line" | "timeoutMs"> & { readonly pass: ProbePass | undefined },
): Promise<string | undefined> {
  try {
    const connection = await TextConnection.open(endpoint, question.timeoutMs, { trust: endpoint.trust });
    try {
      if (pass !== undefined) await logIn(connection, { pass, timeoutMs: question.timeoutMs });
      return await connection.request({ ...question, multiLine: true });
    } finally {
      connection.close();
    }
  } catch (error) {
    if (error instanceof ConnectionLostError || error instanceof TlsError) return undefined;
    throw error;
  }
}

/** Whatever the node says to it, whether it lets in shows with the next line. */
async function logIn(
  connection: TextConnection,
  { pass: { secret, id }, timeoutMs }: { readonly pass: ProbePass; readonly timeoutMs: number },
): Promise<void> {
  const pass = makePass(secret, { subject: connectionTo(id), login: LAUNCHER.id, nowMs: Date.now() });
  await connection.request({ line: `AUTH ${PASS_USER} ${pass}`, multiLine: false, timeoutMs });
}

/** STATUS over a connection that is open. Throws `ConnectionLostError`. */
export async function askStatus(connection: Pick<TextConnection, "request">, timeoutMs: number): Promise<NodeView> {
  const reply = await connection.request({ line: "STATUS", multiLine: true, timeoutMs });
  return readStatus(reply);
}

/** Reads the lines `Node ID`, `Role` and `Leader ID` of a STATUS reply. */
export function readStatus(reply: string): NodeView {
  const fields = readFields(reply);
  return {
    nodeId: readId(fields.get("Node ID")),
    role: fields.get("Role") ?? "Unknown",
    leaderId: readId(fields.get("Leader ID")),
  };
}

/** Reads the line of each member of a CLUSTER reply. */
export function readMembers(reply: string): Members {
  const members = new Map<NodeId, Membership>();
  for (const [name, shown] of readFields(reply)) {
    const id = readId(/^Node (.*)$/.exec(name)?.[1]);
    if (id !== undefined) members.set(id, shown.split(", ").includes("Voter: yes") ? "Voter" : "Learner");
  }
  return members;
}

/**
 * Which of `ids` are members by no list, where the nodes that gave the lists are a majority of the voters in one of them. Fewer may all lag
 * behind, and then it is not known of anybody.
 */
export function findStrangers(ids: readonly NodeId[], lists: ReadonlyMap<NodeId, Members>): readonly NodeId[] {
  const isEnough = Array.from(lists.values()).some((members) => {
    const voters = [...members].filter(([, membership]) => membership === "Voter").map(([id]) => id);
    return voters.filter((id) => lists.has(id)).length * 2 > voters.length;
  });
  return isEnough ? ids.filter((id) => !Array.from(lists.values()).some((members) => members.has(id))) : [];
}

/** The `Name: value` lines of a reply, without the blanks that set them off. */
export function readFields(reply: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of reply.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return fields;
}

function readId(text: string | undefined): NodeId | undefined {
  return text !== undefined && /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
}
