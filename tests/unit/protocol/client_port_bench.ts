/** A client port over real sockets, with a clock that a test shifts. */

import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import type { Timer } from "../../../lib/base/clock.ts";
import { type ClientListener, startClientListener } from "../../../lib/protocol/client_listener.ts";
import type { BeforeLoginLimits } from "../../../lib/net/connections_before_login.ts";
import { WRITE_CHECK_MS } from "../../../lib/net/limits.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { DEADLINE_MS, until } from "../../support/wait.ts";
import { gateOf } from "../../support/gate.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";

/** How long the end of a request may be waited for in these tests. */
export const RECEIVE_TIMEOUT_MS = 30_000;

/** Also holds the timers, and counts the looks at connections. */
export class PortClock extends ShiftedClock {
  /** Timers that are set now never come. */
  holdTimers = false;
  /** How often the port has looked at its connections. */
  checks = 0;

  override after(delayMs: number, action: () => void): Timer {
    if (delayMs === WRITE_CHECK_MS) this.checks += 1;
    return this.holdTimers ? { cancel: () => {} } : super.after(delayMs, action);
  }
}

/** A client port and what a test does with it. */
export interface Bench {
  readonly node: FakeNode;
  readonly clock: PortClock;
  readonly listener: ClientListener;
  readonly logged: string[];
  connect(): Promise<Deno.TcpConn>;
}

/** Opens a client port over a node that is not real, and closes everything after `run`. */
export async function withListener(
  options: { readonly connectionsMax?: number; readonly node?: FakeNode; readonly beforeLogin?: BeforeLoginLimits },
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const node = options.node ?? new FakeNode();
  const clock = new PortClock();
  const logged: string[] = [];
  const listener = startClientListener({
    node,
    changeMember: (change) => node.changeMember(change),
    gate: gateOf(node, clock),
    clock,
    hostname: "127.0.0.1",
    port: 0,
    connectionsMax: options.connectionsMax ?? 100,
    beforeLogin: options.beforeLogin,
    receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
    httpPort: undefined,
    clusterMode: false,
    keyBytesMax: KEY_BYTES_MAX,
    valueBytesMax: VALUE_BYTES_MAX,
    slowCommandMs: 100,
    log: (_level, message) => logged.push(message),
  });
  const open: Deno.TcpConn[] = [];
  try {
    await run({
      node,
      clock,
      listener,
      logged,
      connect: async () => {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
        open.push(conn);
        return conn;
      },
    });
  } finally {
    for (const conn of open) closeQuietly(conn);
    await listener.stop(100);
  }
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // The test closed it.
  }
}

/** Sends all of `text`. */
export async function send(conn: Deno.TcpConn, text: string): Promise<void> {
  for (let bytes = new TextEncoder().encode(text); bytes.length > 0;) bytes = bytes.subarray(await conn.write(bytes));
}

/** Everything up to the end of the stream, or up to `until`; a reset counts as the end, and so does a minute without one. */
export async function receive(conn: Deno.TcpConn, until?: string): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  const timer = setTimeout(() => closeQuietly(conn), DEADLINE_MS);
  let text = "";
  while (until === undefined || !text.endsWith(until)) {
    const count = await conn.read(buffer).catch(() => null);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  clearTimeout(timer);
  return text;
}

/** Makes the time come for every connection to be looked at once more; resolves when that is done. */
export function checked(clock: PortClock): Promise<void> {
  const before = clock.checks;
  clock.shiftMs += WRITE_CHECK_MS;
  return until(() => clock.checks > before, "the connections are looked at");
}
