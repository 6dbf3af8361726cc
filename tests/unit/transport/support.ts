/** What the transport's tests share: sample messages, nodes that record, and peers that speak raw frames. */

import { assert } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import type { Clock } from "../../../lib/base/clock.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import type { AppendEntries, Message } from "../../../lib/raft/messages.ts";
import { type Entry, toIndex, toTerm, ZERO_ENTRY_ID } from "../../../lib/raft/types.ts";
import { encodeMessage } from "../../../lib/transport/codec.ts";
import { Connection } from "../../../lib/transport/connection.ts";
import { acceptHandshake, type HandshakeOptions } from "../../../lib/transport/handshake.ts";
import { FrameWriter, NO_BODY } from "../../../lib/transport/frame.ts";
import { LargeTurns } from "../../../lib/transport/large_turns.ts";
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from "../../../lib/transport/limits.ts";
import type { PeerSecurity, PeerSocket } from "../../../lib/transport/security.ts";
import { TcpTransport } from "../../../lib/transport/tcp_transport.ts";
import type {
  Acquaintance,
  Greeting,
  PeerAddress,
  PeerInfo,
  PeerRefusal,
  PeerStatus,
  TransportHandler,
} from "../../../lib/transport/transport.ts";
import { SPOKEN_VERSIONS } from "../../../lib/transport/versions.ts";
import { until } from "../../support/wait.ts";
import { runOf } from "../../support/runs.ts";

/** The secret of test nodes that are given no other. */
export const TEST_SECRET = "what all nodes of a test share";

/** Pseudo-random numbers 0 to 1 from a seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000;
  };
}

/** Entries with these commands from `first` on. */
export function commandEntries(commands: readonly string[], first: { readonly index: number; term: number }): Entry[] {
  return commands.map((command, at) => ({
    type: "Command",
    index: toIndex(first.index + at),
    term: toTerm(first.term),
    command,
  }));
}

/** An AppendEntries of term 7 after index 4. */
export function appendEntries(commands: readonly string[], ends = { from: 0, to: 1 }): AppendEntries {
  return {
    type: "AppendEntries",
    ...ends,
    term: toTerm(7),
    prevLogIndex: toIndex(4),
    prevLogTerm: toTerm(6),
    entries: runOf(commandEntries(commands, { index: 5, term: 7 })),
    leaderCommit: toIndex(3),
    round: 9,
    confirm: true,
  };
}

/** A small message whose `token` tells it apart. */
export function numbered(token: number, ends = { from: 0, to: 1 }): Message {
  return { type: "ReadIndex", ...ends, term: toTerm(1), incarnation: 5, token };
}

/** One message of each type, some in more than one form. */
export function sampleMessages(): readonly Message[] {
  const member = { id: 3, address: "h\u00fcgel:1", clientAddress: "\u4e16\ud83d\ude00:2", identity: "ab" };
  const ascii = { ...member, address: "hill:1", clientAddress: "hill:2" };
  const configuration = { members: [member], voters: [3], votersOld: [], learners: [] };
  const envelope = { from: 2, to: 1, term: toTerm(8) };
  const [index, term] = [toIndex(12), toTerm(5)];
  const allBytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
  const mixed: Entry[] = [
    ...commandEntries(["", allBytes, "\\u0141"], { index: 5, term: 7 }),
    { type: "NoOp", index: toIndex(8), term: toTerm(7) },
    {
      type: "Configuration",
      index: toIndex(9),
      term: toTerm(7),
      configuration: { ...configuration, members: [ascii] },
    },
  ];
  return [
    {
      type: "RequestVote",
      ...envelope,
      preVote: true,
      leadershipTransfer: false,
      lastLogIndex: index,
      lastLogTerm: term,
    },
    { type: "RequestVoteResult", ...envelope, preVote: false, voteGranted: true },
    appendEntries([]),
    appendEntries(["put a"]),
    { ...appendEntries([]), entries: runOf(mixed) },
    {
      type: "AppendEntriesResult",
      ...envelope,
      success: false,
      matchIndex: toIndex(0),
      rejectedIndex: index,
      conflictIndex: index,
      conflictTerm: term,
      round: Number.MAX_SAFE_INTEGER,
    },
    {
      type: "InstallSnapshot",
      ...envelope,
      lastIncludedIndex: index,
      lastIncludedTerm: term,
      configuration,
      offset: 262_144,
      data: stringToBytes(allBytes),
      done: false,
      round: 0,
    },
    {
      type: "InstallSnapshotResult",
      ...envelope,
      lastIncludedIndex: index,
      nextOffset: 9,
      installed: true,
      rejected: false,
      round: 1,
    },
    { type: "TimeoutNow", ...envelope },
    { type: "ReadIndex", ...envelope, incarnation: 2 ** 48 - 1, token: 4 },
    { type: "ReadIndexResult", ...envelope, incarnation: 1, token: 4, confirmed: true, readIndex: index, timeMs: 7 },
  ];
}

/** The bytes of frames one behind the other. */
export function framesOf(parts: readonly { readonly header: string; readonly body?: Uint8Array }[]): Uint8Array {
  const writer = new FrameWriter();
  for (const { header, body } of parts) writer.append(header, body ?? NO_BODY);
  return writer.bytes().slice();
}

/** The bytes of a message's frame. */
export function frameOf(message: Message): Uint8Array {
  return framesOf([encodeMessage(message)]);
}

/** What node `nodeId` says of itself. */
export function greetingOf(nodeId: number, changes: Partial<Greeting> = {}): Greeting {
  return {
    versions: SPOKEN_VERSIONS,
    clusterId: "test",
    clusterName: "",
    nodeId,
    incarnation: 100 + nodeId,
    identity: `identity-${nodeId}`,
    rejoin: false,
    configurationIndex: 0,
    membersFingerprint: "fingerprint",
    clientAddress: `127.0.0.1:${5_000 + nodeId}`,
    peerAddress: `127.0.0.1:${15_000 + nodeId}`,
    ...changes,
  };
}

/** What node `nodeId` tells in its pings. */
export function statusOf(nodeId: number): PeerStatus {
  return {
    role: "Follower",
    term: toTerm(4),
    leaderId: nodeId === 0 ? undefined : 0,
    commitIndex: toIndex(10 + nodeId),
    lastApplied: toIndex(9),
    lastDurable: ZERO_ENTRY_ID,
    clientAddress: `127.0.0.1:${5_000 + nodeId}`,
    httpAddress: `127.0.0.1:${8_000 + nodeId}`,
  };
}

/** Records every call of a transport. */
export class Recorder implements TransportHandler {
  readonly messages: Message[] = [];
  readonly events: string[] = [];
  readonly greetings: Greeting[] = [];
  /** Who refused this node, and of which cluster that one is. */
  readonly refusals = new Set<string>();
  onReceive: (message: Message) => void = () => {};
  /** Makes what is told in pings and their answers. */
  tell: () => PeerStatus = () => statusOf(this.#id);
  judge: (greeting: Greeting) => string | undefined = () => undefined;
  /** Whether `judge` speaks of servers that were removed. */
  removes = false;
  acquaintance: Acquaintance = { members: [] };
  readonly #id: number;

  constructor(id: number) {
    this.#id = id;
  }

  receive(message: Message): void {
    this.messages.push(message);
    this.onReceive(message);
  }

  disconnected(peer: number): void {
    this.events.push(`disconnected ${peer}`);
  }

  connected(peer: number): void {
    this.events.push(`connected ${peer}`);
  }

  admit(greeting: Greeting): PeerRefusal | undefined {
    this.greetings.push(greeting);
    const reason = this.judge(greeting);
    return reason === undefined ? undefined : { reason, removed: this.removes };
  }

  acquaint(greeting: Greeting, wantsId: boolean): Acquaintance {
    this.events.push(`asked by ${wantsId ? greeting.identity : greeting.nodeId}`);
    return this.acquaintance;
  }

  acquainted(greeting: Greeting, members: readonly PeerAddress[]): void {
    this.events.push(`${greeting.nodeId} says ${members.map(({ id, address }) => `${id}=${address}`).join()}`);
  }

  removed(): void {
    this.events.push("removed");
  }

  refusedBy(peer: number, clusterId: string): void {
    this.refusals.add(`${peer} of ${clusterId}`);
  }

  status(): PeerStatus {
    return this.tell();
  }

  count(event: string): number {
    return this.events.filter((other) => other === event).length;
  }
}

/** How a test node differs from the usual. */
export interface NodeOptions {
  readonly greeting?: Partial<Greeting>;
  readonly secret?: string;
  readonly limits?: Partial<TransportLimits>;
  readonly port?: number;
  readonly clock?: Clock;
  readonly seeds?: readonly string[];
  readonly security?: PeerSecurity | undefined;
  readonly plainSecret?: string;
  readonly previousSecret?: string;
  readonly previousPlainSecret?: string;
}

/** A running transport and what it told. */
export class TestNode {
  readonly recorder: Recorder;
  readonly log: string[] = [];
  readonly transport: TcpTransport;

  constructor(readonly id: number, readonly options: NodeOptions = {}) {
    this.recorder = new Recorder(id);
    this.transport = new TcpTransport({
      clock: options.clock ?? new SystemClock(),
      random: seededRandom(id + 1),
      greeting: greetingOf(id, options.greeting),
      listen: { hostname: "127.0.0.1", port: options.port ?? 0 },
      secret: options.secret ?? TEST_SECRET,
      security: options.security,
      plainSecret: options.plainSecret,
      previousSecret: options.previousSecret,
      previousPlainSecret: options.previousPlainSecret,
      seeds: options.seeds ?? [],
      limits: options.limits ?? {},
      log: (level, message) => void this.log.push(`${level} ${message}`),
    });
  }

  get address(): string {
    return `127.0.0.1:${this.transport.port}`;
  }

  async start(): Promise<this> {
    await this.transport.start(this.recorder);
    return this;
  }

  follow(...others: readonly { readonly id: number; readonly address: string }[]): void {
    this.transport.setPeers(others.map(({ id, address }) => ({ id, addresses: [address] })));
  }

  peer(id: number): PeerInfo {
    const info = this.transport.peers().find((other) => other.id === id);
    assert(info !== undefined, `Node ${this.id} has no peer ${id}`);
    return info;
  }

  post(message: Message): void {
    this.transport.send(message);
    this.transport.flush();
  }
}

/** Runs `body` with started nodes 0, 1, ... that are stopped afterwards, whatever happens. */
export async function withNodes(
  options: readonly NodeOptions[],
  body: (...nodes: TestNode[]) => Promise<void>,
): Promise<void> {
  const nodes = options.map((each, id) => new TestNode(id, each));
  try {
    for (const node of nodes) await node.start();
    await body(...nodes);
  } finally {
    await Promise.all(nodes.map((node) => node.transport.stop()));
  }
}

/** Makes two nodes peers of each other and waits until both are connected. */
export async function join(first: TestNode, second: TestNode): Promise<void> {
  first.follow(second);
  second.follow(first);
  await until(() => first.peer(second.id).reachable && second.peer(first.id).reachable, "both nodes are reachable");
}

/** A connection to a node that speaks only what the test says, and its socket for what is no frame at all. */
export interface RawConnection {
  readonly connection: Connection;
  readonly socket: Deno.TcpConn;
}

/** A connection over any socket. */
export function makeConnection(socket: PeerSocket): Connection {
  const clock = new SystemClock();
  const largeTurns = new LargeTurns(clock);
  return new Connection(socket, { clock, limits: DEFAULT_TRANSPORT_LIMITS, largeTurns });
}

/** Connects to a node without saying anything. */
export async function rawDial(node: TestNode): Promise<RawConnection> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: node.transport.port });
  return { connection: makeConnection(socket), socket };
}

/** A port that accepts connections and serves each by `serve`, until the end of `body`. */
export async function withRawListener(
  serve: (connection: Connection) => Promise<void>,
  body: (address: string) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Connection[] = [];
  const serving: Promise<void>[] = [];
  async function acceptAll(): Promise<void> {
    for await (const socket of listener) {
      const connection = makeConnection(socket);
      connections.push(connection);
      serving.push(serve(connection));
    }
  }
  const accepting = acceptAll();
  try {
    await body(`127.0.0.1:${listener.addr.port}`);
  } finally {
    listener.close();
    for (const connection of connections) closeQuietly(connection);
    await accepting;
    await Promise.all(serving);
  }
}

/** Ends a test's own connection. */
export function closeQuietly(connection: Connection): void {
  connection.close({ reason: "end of the test", expected: true, damage: false });
}

/** Takes everybody. */
export const OPEN_DOOR: Pick<HandshakeOptions, "knows" | "admit" | "acquaint"> = {
  knows: () => true,
  admit: () => undefined,
  acquaint: () => ({ members: [] }),
};

/** How a raw peer shakes hands: as node `id`, taking everybody. */
export function handshakeAs(id: number, changes: Partial<HandshakeOptions> = {}): HandshakeOptions {
  return { greeting: greetingOf(id), secret: TEST_SECRET, ...OPEN_DOOR, ...changes };
}

/** Accepts as node `id` would. */
export async function acceptAs(id: number, connection: Connection): Promise<boolean> {
  const result = await acceptHandshake(connection, handshakeAs(id));
  return result.type === "Admitted";
}
