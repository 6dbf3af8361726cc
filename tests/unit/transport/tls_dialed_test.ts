/** TLS that cannot even begin. */

import { assertEquals, assertRejects } from "@std/assert";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import type { PeerSecurity } from "../../../lib/transport/security.ts";
import { secureDialed } from "../../../lib/transport/tls_dialed.ts";
import { withDeadline } from "../../support/wait.ts";
import { withCertificates } from "./tls_support.ts";

Deno.test("a connection is closed where the name of the other node is none for TLS", () =>
  withCertificates(async ({ security }) => {
    const own: PeerSecurity = security(0);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const dialed = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using accepted = await listener.accept();
    const fake = { ...own, hanging: own.hanging, authorities: () => own.authorities(), hostOf: () => "n".repeat(64) };
    const options = { address: "a:1", expected: 1, clock: new SystemClock(), timeoutMs: 9_999 };
    const { signal } = new AbortController();
    await assertRejects(() => secureDialed(dialed, { ...options, security: fake as PeerSecurity, signal }), TypeError);
    assertEquals(await withDeadline(accepted.read(new Uint8Array(9)), { what: "the end", timeoutMs: 5_000 }), null);
  }));
