/** Sockets without a system: what is read is given, what is written is kept. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";

/** What tells a test about the other end. */
export interface FakeSocket {
  /** Gives more to read. */
  deliver(bytes: string): void;
  /** The other side sends nothing more. */
  end(): void;
  readonly closed: boolean;
  readonly socket: Deno.TcpConn;
}

/** A socket whose writes go to `written`. Reads wait until something is delivered, and see pieces as they were delivered. */
export function fakeSocket(written: (bytes: string) => void): FakeSocket {
  const pieces: Uint8Array[] = [];
  let next = 0;
  let ended = false;
  let closed = false;
  let wake: (() => void) | undefined;
  const socket = {
    remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 9 },
    async read(target: Uint8Array): Promise<number | null> {
      while (next === pieces.length && !ended && !closed) await new Promise<void>((resolve) => wake = resolve);
      if (closed) throw new Deno.errors.BadResource("closed");
      const piece = pieces[next];
      if (piece === undefined) return null;
      const count = Math.min(piece.length, target.length);
      target.set(piece.subarray(0, count));
      if (count === piece.length) next += 1;
      else pieces[next] = piece.subarray(count);
      return count;
    },
    write(bytes: Uint8Array): Promise<number> {
      if (closed) return Promise.reject(new Deno.errors.BadResource("closed"));
      written(bytesToString(bytes));
      return Promise.resolve(bytes.length);
    },
    setNoDelay(): void {},
    close(): void {
      closed = true;
      wake?.();
    },
  };
  return {
    deliver(bytes) {
      if (bytes !== "") pieces.push(stringToBytes(bytes));
      wake?.();
    },
    end() {
      ended = true;
      wake?.();
    },
    get closed() {
      return closed;
    },
    socket: socket as unknown as Deno.TcpConn,
  };
}
