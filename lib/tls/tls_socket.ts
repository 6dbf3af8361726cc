/** The server's side of TLS on an accepted socket: it is read and written like the socket itself, with the handshake before the first byte. */

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { type SecureContext, TLSSocket } from "node:tls";
import type { CertifiedClient } from "../base/certified_client.ts";
import type { Handshakes } from "./handshakes.ts";

/** First size of the buffer for what comes from the network, and what it grows to when reads fill it: so much is read ahead, too. */
const CIPHER_BYTES_MIN = 4_096;
const CIPHER_BYTES_MAX = 65_536;
/** Taken by one write, so that its end tells that the client reads. */
const WRITE_BYTES_MAX = 65_536;
/** The runtime's word for a client that has sent no certificate. */
const NO_CERTIFICATE = "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE";
/** What every connection of TLS begins with. */
const HANDSHAKE_RECORD = 0x16;

/** What becomes of clients that speak no TLS, or none that fits. */
export interface Unfit {
  /** Logs a warning that any client can cause: bounded in number. */
  readonly warn: (message: string) => void;
  /** What a client is told that speaks no TLS, by its first bytes. */
  reply(firstBytes: Uint8Array): Uint8Array;
}

/** An accepted socket, as far as TLS uses it. */
export type RawSocket = Pick<Deno.TcpConn, "read" | "write" | "closeWrite" | "close" | "remoteAddr">;

/** What clients are served with. */
export interface Serving {
  readonly context: SecureContext;
  /**
   * Why a client with that certificate (DER; undefined for none) is not let in; undefined when it is. Left out where clients are
   * not asked for one.
   */
  readonly objectionTo?: ((certificate: Uint8Array | undefined) => string | undefined) | undefined;
  /** Which user one that is let in is by its certificate; undefined for nobody's. Left out where certificates name no users. */
  readonly nameIn?: ((certificate: Uint8Array) => string | undefined) | undefined;
}

/** What a connection is made with. */
export interface TlsSocketOptions extends Unfit, Serving {
  readonly handshakes: Handshakes;
  /** Bounded apart: a server that stops has many at once, which no handshake is to end. */
  readonly closings: Handshakes;
}

/** A connection with TLS. See `ClientSocket` in net: one read and one write at a time, the first read before the first write. */
export class TlsServerSocket {
  readonly remoteAddr: Deno.NetAddr;
  readonly isTls = true;
  readonly #tcp: RawSocket;
  readonly #options: TlsSocketOptions;
  #cipher = new Uint8Array(CIPHER_BYTES_MIN);
  #tls: TLSSocket | undefined;
  #wire: Duplex | undefined;
  /** Goes on to read from the network. */
  #resume: (() => void) | undefined;
  /** Read and not yet taken. */
  #rest: Uint8Array = new Uint8Array();
  #isSecure = false;
  #certified: CertifiedClient | undefined;
  #ended = false;
  #closed = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  /** The handshake is over, or will never be. */
  #settle: () => void;

  /** Takes over a socket from which nothing was read. */
  constructor(tcp: RawSocket, options: TlsSocketOptions) {
    this.#tcp = tcp;
    this.#options = options;
    this.remoteAddr = tcp.remoteAddr;
    this.#settle = options.handshakes.begin(() => this.close());
  }

  /** Resolves once the handshake is done, so that something can be written before anything is read. Rejects where it is not. */
  async handshake(): Promise<void> {
    const tls = this.#tls ?? await this.#begin();
    if (tls === undefined) throw new Deno.errors.ConnectionAborted("The other side speaks no TLS");
    while (!this.#isSecure) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** See `ClientSocket`. */
  get isSecured(): boolean {
    return this.#isSecure;
  }

  /** See `ClientSocket`. */
  get certified(): CertifiedClient | undefined {
    return this.#certified;
  }

  /** See `ClientSocket`. */
  async read(target: Uint8Array): Promise<number | null> {
    const tls = this.#tls ?? await this.#begin();
    if (tls === undefined) return null;
    for (;;) {
      // Before the handshake is over, and the client let in, nothing that it sends is taken.
      if (!this.#isSecure) tls.read(0);
      else if (this.#rest.length === 0) {
        this.#rest = tls.read() ?? this.#rest;
        this.#resume?.();
      }
      if (this.#rest.length > 0) return this.#take(target);
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** See `ClientSocket`. */
  write(bytes: Uint8Array): Promise<number> {
    const piece = bytes.subarray(0, WRITE_BYTES_MAX);
    return new Promise((resolve, reject) => {
      if (this.#tls === undefined) return reject(new Deno.errors.NotConnected("There is no TLS yet"));
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#tls.write(piece, (error) => {
        // Deno tells of no error when the client is gone.
        const failure = this.#failure ?? (error ? asSocketError(error) : undefined);
        if (failure === undefined) resolve(piece.length);
        else reject(failure);
      });
    });
  }

  /** See `ClientSocket`. */
  closeWrite(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#tls === undefined) return reject(new Deno.errors.NotConnected("There is no TLS yet"));
      this.#tls.once("error", (error) => reject(asSocketError(error)));
      this.#tls.end(() => resolve());
    });
  }

  /** See `ClientSocket`. A client that has come as far is told that this is the end, and not that somebody has cut it off. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settle();
    const tls = this.#isSecure && this.#failure === undefined ? this.#tls : undefined;
    this.#fail(new Deno.errors.BadResource("The connection was closed"));
    // One that both sides have ended is destroyed by itself: its end calls nobody back.
    if (tls === undefined || this.#wire?.destroyed !== false) return this.#destroy();
    const over = this.#options.closings.begin(() => this.#destroy());
    const finish = () => {
      over();
      this.#destroy();
    };
    this.#wire.once("close", finish);
    // TLS is done when it has handed over its last bytes; they are on their way then.
    tls.end(() => this.#wire?.end(finish));
  }

  #destroy(): void {
    this.#tls?.destroy();
    closeQuietly(this.#tcp);
  }

  #take(target: Uint8Array): number {
    const count = Math.min(target.length, this.#rest.length);
    target.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Undefined for a client that has gone, or that speaks no TLS. */
  async #begin(): Promise<TLSSocket | undefined> {
    const count = await this.#tcp.read(this.#cipher);
    if (count === null) return undefined;
    const first = this.#cipher.slice(0, count);
    if (first[0] !== HANDSHAKE_RECORD) {
      await this.#answerPlainly(first);
      return undefined;
    }
    const wire = this.#wireFrom(first);
    const { context: secureContext, objectionTo, nameIn } = this.#options;
    const asked = objectionTo === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
    const tls = new TLSSocket(wire, { isServer: true, secureContext, ...asked });
    tls.on("secure", () => {
      this.#settle();
      // Deno lets in whoever has the key of its certificate, whoever has signed that.
      const certificate = objectionTo === undefined ? undefined : tls.getPeerCertificate(false)?.raw;
      const objection = objectionTo?.(certificate);
      if (objection !== undefined) return this.#refuse(objection);
      const name = certificate === undefined ? undefined : nameIn?.(certificate);
      if (name !== undefined) this.#certified = { name, login: undefined };
      this.#isSecure = true;
      this.#wake?.();
    });
    tls.on("readable", () => this.#wake?.());
    tls.on("end", () => {
      this.#ended = true;
      this.#wake?.();
    });
    tls.on("error", (error) => this.#refused(error));
    tls.on("close", () => this.#fail(new Deno.errors.ConnectionReset("The client has closed the connection")));
    this.#wire = wire;
    this.#tls = tls;
    return tls;
  }

  /** The socket as a stream, which begins with what was read of it. */
  #wireFrom(first: Uint8Array): Duplex {
    const tcp = this.#tcp;
    let begun = false;
    const more = () => {
      this.#resume = undefined;
      tcp.read(this.#cipher).then((count) => {
        wire.push(count === null ? null : Buffer.from(this.#cipher.subarray(0, count)));
        if (count === this.#cipher.length && count < CIPHER_BYTES_MAX) this.#cipher = new Uint8Array(count * 2);
      }, (error) => wire.destroy(error));
    };
    const wire: Duplex = new Duplex({
      read: () => {
        if (!begun) {
          begun = true;
          // TLSSocket does not stand it when a handshake fails before its own first tick.
          setImmediate(() => wire.push(Buffer.from(first)));
          return;
        }
        // Whatever is asked of it, Deno's TLSSocket reads on when nobody takes what it has.
        if ((this.#tls?.readableLength ?? 0) >= CIPHER_BYTES_MAX) this.#resume = more;
        else more();
      },
      write: (...[chunk, , done]) => {
        writeAll(tcp, chunk).then(() => done(), done);
      },
      final: (done) => {
        tcp.closeWrite().then(() => done(), done);
      },
      destroy: (error, done) => {
        closeQuietly(tcp);
        done(error);
      },
    });
    wire.on("error", (error) => this.#fail(asSocketError(error)));
    return wire;
  }

  /** The handshake's deadline holds for this as well. What the client still sends is read: else it might lose the answer. */
  async #answerPlainly(first: Uint8Array): Promise<void> {
    const { hostname, port } = this.remoteAddr;
    this.#options.warn(`Refused ${hostname}:${port}: it speaks no TLS, and this port speaks nothing else`);
    await writeAll(this.#tcp, this.#options.reply(first));
    await this.#tcp.closeWrite();
    while (await this.#tcp.read(this.#cipher) !== null);
  }

  #refused(error: Error): void {
    const { hostname, port } = this.remoteAddr;
    const gone = error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BadResource;
    const { objectionTo, warn } = this.#options;
    if (objectionTo !== undefined && "code" in error && error.code === NO_CERTIFICATE) {
      return this.#refuse(objectionTo(undefined) ?? error.message);
    }
    if (this.#failure === undefined && !gone) {
      const asked = objectionTo === undefined ? "" : ", and asks for a certificate and its key";
      warn(`TLS with ${hostname}:${port} failed: ${error.message}; this port speaks TLS 1.2 and 1.3${asked}`);
    }
    this.#fail(asSocketError(error));
    this.#settle();
  }

  #refuse(objection: string): void {
    const { hostname, port } = this.remoteAddr;
    if (this.#failure === undefined) this.#options.warn(`Refused ${hostname}:${port}: ${objection}`);
    this.#fail(asSocketError(new Error(objection)));
    this.#settle();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}

/** Whatever TLS says of a connection is the end of that connection and no bug of ours. */
function asSocketError(error: Error): Error {
  return new Deno.errors.ConnectionAborted(error.message, { cause: error });
}

async function writeAll(tcp: RawSocket, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await tcp.write(rest));
}

function closeQuietly(tcp: RawSocket): void {
  try {
    tcp.close();
  } catch {
    // There is nothing left to release.
  }
}
