/** The probe of the comparison lives through the end of the server that it measures. */

import { assert, assertEquals } from "@std/assert";
import { PingProbe } from "../../../bench/compare/loads/ping_probe.ts";
import { findFreePorts } from "../../support/ports.ts";

/** Answers PINGs until `replies` of them were answered, then ends the connection as `end` says. */
async function serve(
  listener: Deno.Listener,
  { replies, end }: { replies: number; end: "close" | "reset" },
): Promise<void> {
  using connection = await listener.accept();
  const buffer = new Uint8Array(1_024);
  for (let answered = 0; answered < replies; answered++) {
    if (await connection.read(buffer) === null) return;
    await connection.write(new TextEncoder().encode("+PONG\r\n"));
  }
  // Bytes that were never read make the system reset the connection when it is closed.
  if (end === "close") await connection.read(buffer);
}

for (const end of ["close", "reset"] as const) {
  Deno.test(`a server that ends with a ${end} ends the probe, which keeps what it has seen`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const probe = new PingProbe(`127.0.0.1:${listener.addr.port}`);
    await serve(listener, { replies: 5, end });
    const { count, max } = await probe.stop();
    assertEquals(count, 5);
    assert(max > 0, `${max} ms`);
  });
}

Deno.test("a server that is not there ends the probe at once", async () => {
  const [port = 0] = findFreePorts(1);
  const probe = new PingProbe(`127.0.0.1:${port}`);
  assertEquals((await probe.stop()).count, 0);
  assertEquals(probe.serverEnded, true);
});
