/** Whether an accepted connection speaks TLS: told by what comes first, and by silence only where nothing has come. */

import { assertEquals } from "@std/assert";
import type { PeerSecurity } from "../../../lib/transport/security.ts";
import { AcceptedTls, SILENCE_MS } from "../../../lib/transport/tls_accepted.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";
import { turn } from "../../support/wait.ts";
import { withCertificates } from "./tls_support.ts";

/** Enough for a timer without delay to be due. */
const STILL_MS = 20;

/** Both ends of a connection, of which one was accepted by somebody with certificates. */
async function withAccepted(
  body: (other: Deno.TcpConn, accepted: AcceptedTls, clock: ShiftedClock) => Promise<void>,
): Promise<void> {
  await withCertificates(async ({ security }) => {
    const clock = new ShiftedClock();
    const own: PeerSecurity = security(1);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using other = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    // TLS itself does not matter here.
    const serve: PeerSecurity["serve"] = (socket) => Promise.resolve(socket);
    const accepted = new AcceptedTls(await listener.accept(), {
      security: { ...own, serve, hanging: own.hanging, shown: () => "" },
      clock,
      alsoPlain: true,
    });
    await body(other, accepted, clock);
    accepted.close();
  });
}

Deno.test("who has spoken while this process stood still was not silent", async () => {
  await withAccepted(async (other, accepted, clock) => {
    const hasTls = accepted.hasTls();
    await turn();
    const writing = other.write(Uint8Array.of(0x16, 3, 1));
    // As after a pause of the process: the time is up, and the bytes are there.
    clock.shiftMs += 10 * SILENCE_MS;
    for (const from = performance.now(); performance.now() < from + STILL_MS;);
    assertEquals(await hasTls, true);
    await writing;
  });
});

Deno.test("who says nothing for long enough speaks no TLS", async () => {
  await withAccepted(async (_, accepted, clock) => {
    const hasTls = accepted.hasTls();
    await turn();
    clock.shiftMs += SILENCE_MS;
    assertEquals(await hasTls, false);
  });
});
