/** The shell recognises what is no node of KVStore before it takes anything for an answer. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Failure } from "../../../lib/cli/failures.ts";
import { openNode } from "../../../lib/cli/shell/node_connection.ts";
import { ConnectionLostError } from "../../../lib/cluster/text_connection.ts";

/** Answers whatever comes first with `reply`, then keeps silent until the client leaves. */
async function answer(listener: Deno.Listener, reply: string): Promise<void> {
  using connection = await listener.accept();
  const buffer = new Uint8Array(4_096);
  if (await connection.read(buffer) === null) return;
  await connection.write(new TextEncoder().encode(reply));
  while (await connection.read(buffer).catch(() => null) !== null);
}

async function openAgainst(reply: string, timeoutMs: number): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = answer(listener, reply);
  try {
    (await openNode({ hostname: "127.0.0.1", port: listener.addr.port }, timeoutMs)).close();
  } finally {
    await served;
  }
}

Deno.test("an HTTP server, Redis and what else answers are named as what they are not, in one line, with exit code 1", async () => {
  const replies = [
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "-ERR unknown command 'STATUS', with args beginning with: \r\n",
    "220 mail.example ESMTP\r\n",
    "Status: on\n\n",
    "\n",
  ];
  for (const reply of replies) {
    const failure = await assertRejects(() => openAgainst(reply, 5_000), Failure);
    assertEquals(failure.exitCode, 1);
    assertStringIncludes(failure.message, "is not the client port of a KVStore node: it answered");
    assertEquals(failure.message.includes("\n"), false);
  }
});

Deno.test("a node is known by its STATUS, and one that refuses by its error", async () => {
  await openAgainst("Status\nNode ID: 0\nRole: Leader\n\n", 5_000);
  await openAgainst("Error: Too many connections.\n", 5_000);
});

Deno.test("a server that says nothing is one that does not answer", async () => {
  await assertRejects(() => openAgainst("", 50), ConnectionLostError);
});
