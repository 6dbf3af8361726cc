/**
 * Many watchers of one node in a process of their own, each of one key: `watcher_swarm.ts HTTP_PORT COUNT`. Says "ready" once
 * all are there, and the bytes received so far with each line that it reads.
 */

/** The key of watcher number `at`, one of those that the load generator writes. */
function keyOf(at: number): string {
  return `key:${String(at).padStart(12, "0")}`;
}

/** Connections opened at the same time. */
const OPENING_MAX = 50;

let received = 0;

async function watch(port: number, key: string): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `GET /v1/events?start=${key}&end=${key}%00 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const buffer = new Uint8Array(16_384);
  const first = await connection.read(buffer);
  if (!new TextDecoder().decode(buffer.subarray(0, first ?? 0)).startsWith("HTTP/1.1 200")) {
    throw new Error("No stream");
  }
  void count(connection, buffer);
}

async function count(connection: Deno.TcpConn, buffer: Uint8Array<ArrayBuffer>): Promise<void> {
  for (;;) {
    const bytes = await connection.read(buffer).catch(() => null);
    if (bytes === null) throw new Error("A stream has ended");
    received += bytes;
  }
}

async function run(port: number, watchers: number): Promise<void> {
  for (let at = 0; at < watchers; at += OPENING_MAX) {
    const numbers = Array.from({ length: Math.min(OPENING_MAX, watchers - at) }, (_, index) => at + index);
    await Promise.all(numbers.map((number) => watch(port, keyOf(number))));
  }
  await say("ready");
  for await (const _ of Deno.stdin.readable) await say(String(received));
  Deno.exit(0);
}

async function say(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

await run(Number(Deno.args[0]), Number(Deno.args[1]));
