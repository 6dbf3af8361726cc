/** Servers that begin TLS and do not go on with it: they get few connections, and no more by asking again. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { dial, type Trust } from "../../../lib/base/dial.ts";
import {
  HANGING_DIAL_PAUSE_MS,
  HANGING_DIALS_MAX,
  HangingDials,
  HANGS_AFTER_MS,
} from "../../../lib/base/hanging_dials.ts";
import { until, withDeadline } from "../../support/wait.ts";
import { days, newAuthority } from "../tls/support.ts";

const { authority, pair: ca } = newAuthority(days(10, Date.now()));
const alice = authority.issueClient("alice", days(5, Date.now()));
/** Refused at once, on a busy machine too. */
const REFUSED_MS = 10_000;
const WITHOUT: Trust = { caCerts: [ca.certificate], serverName: undefined };
const WITH: Trust = { ...WITHOUT, identity: { cert: alice.certificate, key: alice.key } };

/** Asks again and again. */
async function askInVain(trust: Trust): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.TcpConn[] = [];
  const accepting = (async () => {
    for await (const conn of listener) accepted.push(conn);
  })();
  let now = 0;
  const hanging = new HangingDials(() => now);
  const { port } = listener.addr;
  const attempt = () => dial({ hostname: "127.0.0.1", port }, { trust, hanging });
  const attempts: Promise<unknown>[] = [];
  const another = async () => {
    attempts.push(attempt().catch((error) => error));
    // The server has heard the beginning.
    await until(() => accepted.length === attempts.length, "it is accepted");
    assert(await accepted.at(-1)?.read(new Uint8Array(9_999)) !== null);
  };
  try {
    // As many at the same time as one likes, as long as none hangs.
    for (let each = 0; each < HANGING_DIALS_MAX; each++) await another();
    assertEquals(hanging.isFull(`127.0.0.1:${port}`), false);
    now += HANGS_AFTER_MS;
    await assertRejects(
      () => withDeadline(attempt(), { what: "it is refused", timeoutMs: REFUSED_MS }),
      Deno.errors.TimedOut,
      "does not go on with handshakes of TLS that have begun",
    );
    assertEquals(hanging.isFull(`127.0.0.1:${port + 1}`), false);
    now += HANGING_DIAL_PAUSE_MS;
    await another();
    await assertRejects(
      () => withDeadline(attempt(), { what: "it is refused", timeoutMs: REFUSED_MS }),
      Deno.errors.TimedOut,
    );
  } finally {
    listener.close();
    await accepting;
    for (const conn of accepted) conn.close();
  }
  await Promise.all(attempts);
  assertEquals(hanging.isFull(`127.0.0.1:${port}`), false);
}

Deno.test("a server that does not go on with TLS gets few connections", () => askInVain(WITHOUT));

Deno.test("a server that does not go on with TLS gets few connections of a client with a certificate", () =>
  askInVain(WITH));
