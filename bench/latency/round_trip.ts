/** How long a round trip through a delay line takes in truth: timers of the system are late, and that is no one's fault. */

import { median } from "../support/table.ts";
import { DelayLine } from "./delay_line.ts";

const PROBES = 50;

/** Milliseconds of a round trip through a line of so much delay, in the median. */
export async function measureRoundTrip(oneWayMs: number): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using line = new DelayLine({ port: 0, target: listener.addr.port, oneWayMs });
  const served = echo(listener);
  const times: number[] = [];
  {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: line.port });
    connection.setNoDelay(true);
    const buffer = new Uint8Array(1);
    for (let probe = 0; probe < PROBES; probe++) {
      const sentAt = performance.now();
      await connection.write(buffer);
      await connection.read(buffer);
      times.push(performance.now() - sentAt);
    }
  }
  await served;
  return median(times);
}

async function echo(listener: Deno.TcpListener): Promise<void> {
  using connection = await listener.accept();
  connection.setNoDelay(true);
  const buffer = new Uint8Array(16);
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    await connection.write(buffer.subarray(0, count));
  }
}
