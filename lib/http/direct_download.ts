/** A long answer from a node: like `requestDirectly`, and its body is taken as it comes. */

import { bytesToString, stringToBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { connect, type DirectRequest, END_OF_HEAD, HEAD_BYTES_MAX, parseHead, writeAll } from "./direct_request.ts";

/** What to ask for, with GET. */
export interface DownloadRequest extends Pick<DirectRequest, "address" | "path" | "headers" | "trust"> {
  readonly clock: Clock;
  /** How long the answer may take to begin. */
  readonly headMs: number;
  /** How long nothing may come once it has begun. */
  readonly silenceMs: number;
}

const READ_BYTES = 262_144;

/**
 * Asks by HTTP/1.0, so that the body is sent as it is and ends with the connection: its length is to be compared with what the headers
 * say. Rejects as `requestDirectly` does; then nothing is open.
 */
export async function openDownload(request: DownloadRequest): Promise<LongAnswer> {
  const { clock, headMs, address, path, headers } = request;
  const connecting = connect(request);
  try {
    const download = async (): Promise<Download> => {
      const socket = await connecting;
      const lines = Object.entries({ Host: address, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
      await writeAll(socket, stringToBytes(`GET ${path} HTTP/1.0\r\n${lines.join("")}\r\n`));
      return await readHead(socket, request);
    };
    return await within(download(), { clock, ms: headMs });
  } catch (error) {
    // Also one that is made only now. It fails without a word: what it was for has ended.
    connecting.then(close, () => {});
    throw error;
  }
}

async function readHead(socket: Deno.Conn, request: DownloadRequest): Promise<Download> {
  let received = "";
  const buffer = new Uint8Array(READ_BYTES);
  while (!received.includes(END_OF_HEAD)) {
    if (received.length > HEAD_BYTES_MAX) throw new Error(`More than ${HEAD_BYTES_MAX} bytes before the body`);
    const count = await socket.read(buffer);
    if (count === null) throw new Error("The connection ended before the answer did");
    received += bytesToString(buffer, 0, count);
  }
  const end = received.indexOf(END_OF_HEAD);
  const rest = stringToBytes(received.slice(end + END_OF_HEAD.length));
  return new Download(socket, { ...parseHead(received.slice(0, end)), rest, request });
}

/** An answer whose body has not been taken yet. `close` it. */
export interface LongAnswer {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The next bytes, valid until the next call; undefined at the end of the connection. Rejects when it breaks, or nothing comes. */
  read(): Promise<Uint8Array | undefined>;
  /** Gives up what has not come yet. */
  close(): void;
}

class Download implements LongAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #socket: Deno.Conn;
  readonly #request: DownloadRequest;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #rest: Uint8Array;

  constructor(socket: Deno.Conn, { status, headers, rest, request }: {
    readonly status: number;
    readonly headers: ReadonlyMap<string, string>;
    readonly rest: Uint8Array;
    readonly request: DownloadRequest;
  }) {
    this.#socket = socket;
    this.#request = request;
    this.#rest = rest;
    this.status = status;
    this.headers = headers;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = new Uint8Array();
      return rest;
    }
    const { clock, silenceMs } = this.#request;
    const count = await within(this.#socket.read(this.#buffer), { clock, ms: silenceMs });
    return count === null ? undefined : this.#buffer.subarray(0, count);
  }

  close(): void {
    close(this.#socket);
  }
}

function close(socket: Deno.Conn): void {
  try {
    socket.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // It has ended by itself.
  }
}

async function within<T>(work: Promise<T>, { clock, ms }: { readonly clock: Clock; readonly ms: number }): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(ms, () => late.reject(new Error(`Nothing came within ${ms} ms`)));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
    // What comes after that has nobody to hear of it.
    work.catch(() => {});
  }
}
