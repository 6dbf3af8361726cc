/** Asks servers at known addresses who they are and who the members are: for a node that joins, and for one whose peers have moved. */

import { parseAddress } from "./address.ts";
import { Connection, type ConnectionOptions, describe } from "./connection.ts";
import type { Secrets } from "./credentials.ts";
import { type DialedPeer, dialPeer } from "./dial.ts";
import { askWhoIsThere, spokenWith } from "./handshake.ts";
import type { Log } from "./peer.ts";
import { type PeerSecurity, PeerTlsError } from "./security.ts";
import type { Acquaintance, Greeting, TransportHandler } from "./transport.ts";

/** What is asked, and by whom. */
export interface Question extends Secrets {
  /** What the asking node says of itself; its id means nothing where `wantsId`. */
  readonly greeting: Greeting;
  readonly security?: PeerSecurity | undefined;
  readonly wantsId: boolean;
  readonly signal: AbortSignal;
}

/** Who is there; or in words why nobody answered, with `refused` when somebody did and it will never be otherwise. */
export type Answer =
  | { readonly greeting: Greeting; readonly acquaintance: Acquaintance }
  | { readonly problem: string; readonly refused: boolean };

/** Asks the server whose peer port is at `address`. Never rejects. */
export async function askServer(
  address: string,
  { connection: options, ...question }: Question & {
    readonly connection: ConnectionOptions;
  },
): Promise<Answer> {
  const endpoint = parseAddress(address);
  if (endpoint === undefined) return { problem: `"${address}" is not of the form host:port`, refused: true };
  const { clock, limits } = options;
  const { signal, security, plainSecret } = question;
  const alsoPlain = plainSecret !== undefined;
  let dialed: DialedPeer;
  try {
    dialed = await dialPeer(endpoint, {
      ...{ address, clock, limits, signal, security, alsoPlain },
      expected: undefined,
      whenMany: "Fail",
    });
  } catch (error) {
    if (error instanceof PeerTlsError) return { problem: error.message, refused: true };
    return { problem: `cannot connect to ${address}: ${describe(error)}`, refused: false };
  }
  const connection = new Connection(dialed.socket, options);
  const timer = clock.after(limits.handshakeTimeoutMs, () => {
    connection.close({ reason: "the handshake took too long", expected: false, damage: false });
  });
  const abandon = () => connection.close({ reason: "stopped", expected: true, damage: false });
  question.signal.addEventListener("abort", abandon);
  const result = await askWhoIsThere(connection, spokenWith(question, dialed.hasTls));
  question.signal.removeEventListener("abort", abandon);
  timer.cancel();
  if (result.type === "Acquainted") return result;
  if (result.type === "Refused") return { problem: `${address}: ${result.reason}`, refused: true };
  return { problem: `${address}: ${connection.ending?.reason ?? "no answer"}`, refused: false };
}

/** What the seeds of a transport work with. */
export interface SeedOptions extends Secrets {
  /** Addresses of peer ports; names are looked up each time. */
  readonly addresses: readonly string[];
  readonly greeting: Greeting;
  readonly security?: PeerSecurity | undefined;
  readonly connection: ConnectionOptions;
  readonly handler: Pick<TransportHandler, "acquainted">;
  readonly log: Log;
  /** Whether some peer is not reached, or none is known. */
  isLonely(): boolean;
}

/** Asks the seeds one after the other, again and again while the node is lonely. */
export class Seeds {
  readonly #options: SeedOptions;
  readonly #stop = new AbortController();
  /** What each seed refused this node for, as it was logged. */
  readonly #refusals = new Map<string, string>();
  #wake: (() => void) | undefined;

  constructor(options: SeedOptions) {
    this.#options = options;
  }

  /** Resolves after `stop`. */
  async run(): Promise<void> {
    const { addresses, greeting, isLonely, handler } = this.#options;
    while (!this.#stop.signal.aborted && addresses.length > 0) {
      for (const address of addresses) {
        if (!isLonely() || this.#stop.signal.aborted) break;
        const answer = await askServer(address, { ...this.#options, wantsId: false, signal: this.#stop.signal });
        const isNews = "greeting" in answer && answer.greeting.identity !== greeting.identity;
        if (isNews && !this.#stop.signal.aborted) handler.acquainted(answer.greeting, answer.acquaintance.members);
        if ("problem" in answer && answer.refused) this.#tell(address, answer.problem);
      }
      await this.#pause();
    }
  }

  /** Ends the attempt under way. */
  stop(): void {
    this.#stop.abort();
    this.#wake?.();
  }

  #tell(address: string, problem: string): void {
    if (this.#refusals.get(address) === problem) return;
    this.#refusals.set(address, problem);
    this.#options.log(
      "warn",
      `A seed refused this node: ${problem}; see its data directory and the addresses that it was given`,
    );
  }

  async #pause(): Promise<void> {
    const { clock, limits } = this.#options.connection;
    if (this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = clock.after(limits.seedIntervalMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
