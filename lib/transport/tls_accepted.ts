/** TLS on an accepted connection. Whoever speaks none is told so in a frame, and the log says who it was. */

import type { Clock, Timer } from "../base/clock.ts";
import { encodeRefused } from "./control.ts";
import { FrameWriter, NO_BODY } from "./frame.ts";
import { type PeerSecurity, type PeerSocket, PeerTlsError, type RawSocket } from "./security.ts";

/** Who speaks TLS speaks first, and at once; who speaks none waits for this side. */
export const SILENCE_MS = 500;
/** What every connection of TLS begins with. */
const HANDSHAKE_RECORD = 0x16;
const FIRST_BYTES = 4_096;
const NO_TLS = "this node speaks TLS with its peers; give --peer-tls-cert, --peer-tls-key and --peer-tls-ca";

/** What it works with. */
export interface AcceptedOptions {
  readonly security: PeerSecurity;
  readonly clock: Clock;
  /** Whoever speaks no TLS is let on without. */
  readonly alsoPlain: boolean;
}

/** Read and written once TLS is there, which the first of either waits for. */
export class AcceptedTls implements PeerSocket {
  readonly #tcp: Deno.TcpConn;
  readonly #options: AcceptedOptions;
  #secure: PeerSocket | undefined;
  #opening: Promise<PeerSocket> | undefined;
  #silence: Timer | undefined;
  #isClosed = false;
  #isPlain = false;

  /** Takes over a socket from which nothing was read. */
  constructor(tcp: Deno.TcpConn, options: AcceptedOptions) {
    this.#tcp = tcp;
    this.#options = options;
  }

  /** See `PeerSocket`. */
  async read(target: Uint8Array): Promise<number | null> {
    return await (this.#secure ?? await this.#open()).read(target);
  }

  /** See `PeerSocket`. */
  async write(bytes: Uint8Array): Promise<number> {
    return await (this.#secure ?? await this.#open()).write(bytes);
  }

  /** See `PeerSocket`. */
  setNoDelay(noDelay: boolean): void {
    this.#tcp.setNoDelay(noDelay);
  }

  /** See `PeerSocket`. */
  close(): void {
    this.#isClosed = true;
    this.#silence?.cancel();
    (this.#secure ?? this.#tcp).close();
  }

  /** Resolves once it is known whether the other side speaks TLS; true where it cannot be known. */
  async hasTls(): Promise<boolean> {
    await this.#open().catch(() => {}); // Each read and write tells what has failed.
    return !this.#isPlain;
  }

  #open(): Promise<PeerSocket> {
    this.#opening ??= this.#shakeHands();
    return this.#opening;
  }

  async #shakeHands(): Promise<PeerSocket> {
    const tcp = this.#tcp;
    const buffer = new Uint8Array(FIRST_BYTES);
    const reading = tcp.read(buffer);
    const first = await Promise.race([reading, this.#silent()]);
    this.#silence?.cancel();
    if (first === null) throw new Deno.errors.ConnectionReset("closed by the other side");
    const from = `${tcp.remoteAddr.hostname}:${tcp.remoteAddr.port}`;
    const raw = continued(this.#tcp, { reading, buffer });
    if (first === "silence" || buffer[0] !== HANDSHAKE_RECORD) {
      if (this.#options.alsoPlain) {
        this.#isPlain = true;
        this.#secure = raw;
        return raw;
      }
      reading.catch(() => {}); // It ends with the connection.
      await this.#answerPlainly();
      throw new PeerTlsError(`no TLS with ${from}: it speaks none with its peers; give it --peer-tls-cert`);
    }
    this.#secure = await this.#serve(raw, from);
    if (this.#isClosed) this.#secure.close();
    return this.#secure;
  }

  /** Where this process has stood still, what came meanwhile is read in the turn behind the timer. */
  #silent(): Promise<"silence"> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const over = () => resolve("silence");
      this.#silence = clock.after(SILENCE_MS, () => this.#silence = clock.after(0, over));
    });
  }

  async #serve(raw: RawSocket, from: string): Promise<PeerSocket> {
    const { security } = this.#options;
    try {
      return await security.serve(raw);
    } catch (error) {
      if (this.#isClosed) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new PeerTlsError(`no TLS with ${from}: ${why} (the certificate of this node: ${security.shown()})`);
    }
  }

  async #answerPlainly(): Promise<void> {
    const writer = new FrameWriter();
    writer.append(encodeRefused(NO_TLS), NO_BODY);
    for (let rest = writer.bytes(); rest.length > 0;) rest = rest.subarray(await this.#tcp.write(rest));
  }
}

/** The socket, with a read of it that has begun. */
function continued(
  tcp: Deno.TcpConn,
  { reading, buffer }: { readonly reading: Promise<number | null>; readonly buffer: Uint8Array },
): RawSocket {
  let begun: Promise<number | null> | undefined = reading;
  let rest: Uint8Array = new Uint8Array();
  return {
    remoteAddr: tcp.remoteAddr,
    write: (bytes) => tcp.write(bytes),
    closeWrite: () => tcp.closeWrite(),
    close: () => tcp.close(),
    read: async (target) => {
      if (begun !== undefined) {
        rest = buffer.subarray(0, await begun ?? 0);
        begun = undefined;
      }
      if (rest.length === 0) return await tcp.read(target);
      const count = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
  };
}
