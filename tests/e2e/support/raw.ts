/** Raw bytes to and from a port, as `nc` sends them. */

import { withDeadline } from "../../support/wait.ts";

/** How an exchange is done. */
export interface ExchangeOptions {
  readonly port: number;
  readonly bytes: Uint8Array<ArrayBuffer> | string;
  /** Whether our half of the connection is closed after the last byte, as `nc` does at the end of its input. */
  readonly halfClose?: boolean;
}

/** Sends bytes and reads until the server closes. Rejects when it does not in time. */
export async function exchange(options: ExchangeOptions): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: options.port });
  const bytes = typeof options.bytes === "string" ? new TextEncoder().encode(options.bytes) : options.bytes;
  const sending = sendAll(connection, bytes).then(async (sent) => {
    if (sent && options.halfClose === true) await connection.closeWrite().catch(() => {});
  });
  const text = await withDeadline(readToEnd(connection), {
    what: `the server closes the connection to port ${options.port}`,
  });
  await sending;
  return text;
}

/** Whether all bytes were taken before the connection ended. */
export async function sendAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<boolean> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    return true;
  } catch {
    return false;
  }
}

/** Everything until the end of the connection, a reset included. */
export async function readToEnd(connection: Deno.TcpConn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch {
    // A reset ends it as well.
  }
  return text + decoder.decode();
}

/** `length` bytes that look like nothing, from a seed. */
export function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let x = (seed * 2_654_435_761 + 1) >>> 0;
  for (let at = 0; at < length; at++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[at] = x >>> 0;
  }
  return bytes;
}
