/** A long answer from a node, over real connections: as it comes, to its end, and never waited for without end. */

import { assertEquals, assertRejects } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { openDownload } from "../../../lib/http/direct_download.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";

/** Answers the one connection with these pieces, and then holds it or ends it. */
function serve(pieces: readonly string[], { ends }: { readonly ends: boolean }) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const done = Promise.withResolvers<void>();
  const serving = (async () => {
    const connection = await listener.accept();
    const buffer = new Uint8Array(4_096);
    let asked = "";
    while (!asked.endsWith("\r\n\r\n")) {
      const count = await connection.read(buffer);
      if (count === null) break;
      asked += bytesToString(buffer, 0, count);
    }
    for (const piece of pieces) await connection.write(new TextEncoder().encode(piece));
    if (!ends) await done.promise;
    connection.close();
    return asked;
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    asked: async () => {
      done.resolve();
      const asked = await serving;
      listener.close();
      return asked;
    },
  };
}

function requestTo(address: string, { silenceMs = 60_000, headMs = 60_000 } = {}) {
  return { address, path: "/v1/x?y", headers: { Range: "bytes=3-" }, clock: new SystemClock(), headMs, silenceMs };
}

Deno.test("a long answer has its status and headers, and its body up to the end of the connection", async () => {
  const server = serve(["HTTP/1.0 206 Pa", 'rt\r\nETag: "a"\r\nX-B', ": c\r\n\r", "\nfirst", "second"], { ends: true });
  const answer = await openDownload(requestTo(server.address));
  assertEquals([answer.status, answer.headers.get("etag"), answer.headers.get("x-b")], [206, '"a"', "c"]);
  let body = "";
  for (let piece = await answer.read(); piece !== undefined; piece = await answer.read()) body += bytesToString(piece);
  answer.close();
  assertEquals(body, "firstsecond");
  assertEquals(await server.asked(), `GET /v1/x?y HTTP/1.0\r\nHost: ${server.address}\r\nRange: bytes=3-\r\n\r\n`);
});

Deno.test("an answer that does not begin, one that stops, and one that is none are failures", async () => {
  const silent = serve([], { ends: false });
  await assertRejects(
    () => openDownload(requestTo(silent.address, { headMs: 50 })),
    Error,
    "Nothing came within 50 ms",
  );
  await silent.asked();
  const short = serve(["HTTP/1.0 200 OK\r\n"], { ends: true });
  await assertRejects(() => openDownload(requestTo(short.address)), Error, "ended before the answer did");
  await short.asked();
  const odd = serve(["-ERR what\r\n\r\n\r\n"], { ends: true });
  await assertRejects(() => openDownload(requestTo(odd.address)), Error, "does not speak HTTP");
  await odd.asked();
  const stops = serve(["HTTP/1.0 200 OK\r\n\r\npart"], { ends: false });
  const answer = await openDownload(requestTo(stops.address, { silenceMs: 50 }));
  assertEquals(bytesToString(await answer.read() ?? new Uint8Array()), "part");
  await assertRejects(() => answer.read(), Error, "Nothing came within 50 ms");
  answer.close();
  await stops.asked();
});
