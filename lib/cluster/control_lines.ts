/**
 * The lines by which a node and its launcher talk: the node asks on its standard output, among the lines of its log, and the
 * launcher answers and commands on the node's standard input. No port, so nobody else can take part.
 */

import { type LaunchedNode, type LauncherAnswer, NODE_ACTIONS, type NodeAction } from "../http/launcher_port.ts";

/** Longest line taken on the standard input. */
export const CONTROL_LINE_LENGTH_MAX = 65_536;

/** No line of the log begins so: it is a control character. */
const MARK = "\u0001kvstore ";

/** What a node asks. `number` comes back with the answer. */
export interface ControlRequest {
  readonly number: number;
  /** Undefined asks how things are. */
  readonly wish: ControlWish | undefined;
}

/** What shall be done: something to a node, a rolling restart begun, or one more node started. */
export type ControlWish = { readonly node: number; readonly action: NodeAction } | "RollingRestart" | "AddNode";

/** What the launcher writes. */
export type ControlOrder =
  | { readonly type: "Answer"; readonly number: number; readonly answer: LauncherAnswer }
  /** Cut or mend the connections to the other nodes. */
  | { readonly type: "Isolate"; readonly isolated: boolean };

/** The line of a request, its end included. */
export function writeRequest(request: ControlRequest): string {
  return `${MARK}${JSON.stringify(request)}\n`;
}

/** The request in a line of a node's output; undefined for every other line. */
export function readRequest(line: string): ControlRequest | undefined {
  if (!line.startsWith(MARK)) return undefined;
  const { number, wish } = fieldsOf(line.slice(MARK.length));
  if (typeof number !== "number") return undefined;
  if (wish === undefined || wish === "RollingRestart" || wish === "AddNode") return { number, wish };
  const { node, action } = asRecord(wish);
  const known = NODE_ACTIONS.find((candidate) => candidate === action);
  return typeof node === "number" && known !== undefined ? { number, wish: { node, action: known } } : undefined;
}

/** The line of an order, its end included. */
export function writeOrder(order: ControlOrder): string {
  return `${JSON.stringify(order)}\n`;
}

/** The order in a line of the standard input; undefined for every other line. */
export function readOrder(line: string): ControlOrder | undefined {
  const { type, number, answer, isolated } = fieldsOf(line);
  if (type === "Isolate" && typeof isolated === "boolean") return { type, isolated };
  const known = readAnswer(asRecord(answer));
  return type === "Answer" && typeof number === "number" && known !== undefined
    ? { type, number, answer: known }
    : undefined;
}

function readAnswer({ type, nodes, reason, added }: Readonly<Record<string, unknown>>): LauncherAnswer | undefined {
  if (type === "Gone") return { type };
  if (type === "Refused" && typeof reason === "string") return { type, reason };
  // Only the launcher writes here, and it is of the same program.
  if (type !== "Nodes" || !Array.isArray(nodes)) return undefined;
  return { type, nodes: nodes as readonly LaunchedNode[], ...(typeof added === "number" ? { added } : {}) };
}

function fieldsOf(json: string): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(json));
  } catch {
    return {}; // Whatever somebody types into the standard input is no order.
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Readonly<Record<string, unknown>> : {};
}
