/**
 * A TCP forwarder before each node's peer port, so that a test can cut the network between any two nodes, in one
 * direction or both, slow it down, and break its connections. A cut holds the bytes back and delivers them when it is
 * healed, as TCP does after a lost route.
 */

import { delay } from "../wait.ts";
import { closeQuietly, type Pass, type Passes, TcpProxy, writeAll } from "./tcp_proxy.ts";

/** Where one node is to be found. */
export interface ProxyRoute {
  readonly nodeId: number;
  /** The port that the others dial: the proxy listens here. */
  readonly advertisedPort: number;
  /** The port that the node listens on. */
  readonly boundPort: number;
}

/** A slow direction: at most `bytesMax` bytes at a time, each piece `delayMs` later than it came. */
export interface Slowness {
  readonly delayMs: number;
  readonly bytesMax: number;
}

/** Two ends that are joined. */
interface Link {
  readonly dialerId: number;
  readonly acceptorId: number;
  readonly ends: readonly Deno.TcpConn[];
}

/** What faults have done to one direction so far. */
export interface ProxyEffects {
  /** Times that something had to wait for a cut to be mended. */
  readonly heldBack: number;
  /** Pieces that were delayed, and those of them that took only a part of what was there. */
  readonly slowed: number;
  readonly split: number;
}

const PREFIX_BYTES = 16;
const HEADER_BYTES_MAX = 16_384;
/** A dialer that has not said who it is: its bytes pass every cut. */
const STRANGER = -1;

/** Forwards between nodes, each behind a port of its own. */
export class PeerProxy implements AsyncDisposable {
  readonly #proxy = new TcpProxy();
  readonly #links = new Map<Deno.TcpConn, Link>();
  /** How many cuts lie on a direction: faults may overlap, and the end of one must not end the others. */
  readonly #cuts = new Map<string, number>();
  readonly #slow = new Map<string, Slowness>();
  readonly #effects = new Map<string, ProxyEffects>();
  #healed = Promise.withResolvers<void>();

  /** Listens on every advertised port. */
  constructor(routes: readonly ProxyRoute[]) {
    for (const route of routes) this.open(route);
  }

  /** Listens for one more node. */
  open({ nodeId, advertisedPort, boundPort }: ProxyRoute): void {
    this.#proxy.open({
      port: advertisedPort,
      target: () => ({ hostname: "127.0.0.1", port: boundPort }),
      join: (dialer, acceptor) => this.#join({ dialer, acceptor, acceptorId: nodeId }),
      left: (dialer) => void this.#links.delete(dialer),
    });
  }

  /** Holds back everything that `from` sends to `to`. */
  cut(from: number, to: number): void {
    const direction = `${from}>${to}`;
    this.#cuts.set(direction, (this.#cuts.get(direction) ?? 0) + 1);
    // What waits already for another cut waits for this one too.
    this.#wake();
  }

  /** Takes one `cut` back; when it was the last one in that direction, what was held back is delivered. */
  mend(from: number, to: number): void {
    const direction = `${from}>${to}`;
    const left = (this.#cuts.get(direction) ?? 0) - 1;
    if (left > 0) this.#cuts.set(direction, left);
    else this.#cuts.delete(direction);
    this.#wake();
  }

  /** Slows down what `from` sends to `to`, until `speedUp` or `heal`. */
  slowDown(from: number, to: number, slowness: Slowness): void {
    this.#slow.set(`${from}>${to}`, slowness);
  }

  /** Ends `slowDown`. */
  speedUp(from: number, to: number): void {
    this.#slow.delete(`${from}>${to}`);
  }

  /** What cuts and slowness have done to what `from` sends to `to`. */
  effects(from: number, to: number): ProxyEffects {
    return this.#effects.get(`${from}>${to}`) ?? { heldBack: 0, slowed: 0, split: 0 };
  }

  /** Breaks every connection between the two nodes. Returns their number. */
  breakConnections(first: number, second: number): number {
    let broken = 0;
    for (const { dialerId, acceptorId, ends } of [...this.#links.values()]) {
      if (Math.min(first, second) !== Math.min(dialerId, acceptorId)) continue;
      if (Math.max(first, second) !== Math.max(dialerId, acceptorId)) continue;
      for (const end of ends) closeQuietly(end);
      broken += 1;
    }
    return broken;
  }

  /** Cuts both directions between `node` and each of `others`. */
  isolate(node: number, others: readonly number[]): void {
    for (const other of others) {
      if (other === node) continue;
      this.cut(node, other);
      this.cut(other, node);
    }
  }

  /** Ends every cut and slowness; what was held back is delivered. */
  heal(): void {
    this.#cuts.clear();
    this.#slow.clear();
    this.#wake();
  }

  /** Closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#proxy[Symbol.asyncDispose]();
    this.heal();
    await ended;
  }

  #wake(): void {
    this.#healed.resolve();
    this.#healed = Promise.withResolvers<void>();
  }

  async #join(
    { dialer, acceptor, acceptorId }: {
      readonly dialer: Deno.TcpConn;
      readonly acceptor: Deno.TcpConn;
      readonly acceptorId: number;
    },
  ): Promise<Passes | undefined> {
    // The acceptor speaks first, a number and nothing else; who dials stands in what the dialer answers.
    await writeAll(dialer, await readFirstFrame(acceptor));
    const first = await readFirstFrame(dialer);
    const dialerId = dialerOf(first);
    await this.#gate(dialerId, acceptorId);
    if (this.#proxy.stopped) return undefined;
    this.#links.set(dialer, { dialerId, acceptorId, ends: [dialer, acceptor] });
    await writeAll(acceptor, first);
    return { toServer: this.#pass(dialerId, acceptorId), toClient: this.#pass(acceptorId, dialerId) };
  }

  #pass(sender: number, receiver: number): Pass {
    return async (to, bytes) => {
      await this.#gate(sender, receiver);
      if (bytes !== undefined) await this.#forward(to, { bytes, sender, receiver });
      return bytes !== undefined;
    };
  }

  async #forward(
    to: Deno.TcpConn,
    { bytes, sender, receiver }: { bytes: Uint8Array; sender: number; receiver: number },
  ): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      const slowness = this.#slow.get(`${sender}>${receiver}`);
      if (slowness !== undefined && !this.#proxy.stopped) await delay(slowness.delayMs);
      const piece = bytes.subarray(sent, slowness === undefined ? bytes.length : sent + slowness.bytesMax);
      await writeAll(to, piece);
      sent += piece.length;
      if (slowness === undefined) continue;
      const { slowed, split } = this.effects(sender, receiver);
      const isPart = piece.length === slowness.bytesMax;
      this.#count(sender, receiver, { slowed: slowed + 1, split: split + (isPart ? 1 : 0) });
    }
  }

  async #gate(from: number, to: number): Promise<void> {
    while (!this.#proxy.stopped && this.#cuts.has(`${from}>${to}`)) {
      this.#count(from, to, { heldBack: this.effects(from, to).heldBack + 1 });
      await this.#healed.promise;
    }
  }

  #count(from: number, to: number, change: Partial<ProxyEffects>): void {
    this.#effects.set(`${from}>${to}`, { ...this.effects(from, to), ...change });
  }
}

/** What an end sent up to the end of its first frame, or less if it sends something else. */
async function readFirstFrame(connection: Deno.TcpConn): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  const buffer = new Uint8Array(HEADER_BYTES_MAX);
  while (bytes.length < PREFIX_BYTES || bytes.length < PREFIX_BYTES + headerLength(bytes)) {
    const count = await connection.read(buffer);
    if (count === null) break;
    const joined = new Uint8Array(bytes.length + count);
    joined.set(bytes);
    joined.set(buffer.subarray(0, count), bytes.length);
    bytes = joined;
  }
  return bytes;
}

function headerLength(bytes: Uint8Array): number {
  return Math.min(HEADER_BYTES_MAX, new DataView(bytes.buffer, bytes.byteOffset).getUint32(8));
}

/** The node id in the dialer's Proof: JSON within a text of JSON. */
function dialerOf(bytes: Uint8Array): number {
  if (bytes.length < PREFIX_BYTES) return STRANGER;
  const header = new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerLength(bytes)));
  const match = /\\?"nodeId\\?":(\d+)/.exec(header);
  return match === null ? STRANGER : Number(match[1]);
}
