/** Requests that only the leader answers, at a node that does not lead. */

import { assertEquals } from "@std/assert";
import type { MemberView } from "../../../../lib/node/api.ts";
import { FakeNode } from "../../../support/fake_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

/** A follower whose leader's HTTP is at `address`. */
class FollowerOf extends FakeNode {
  readonly #address: string;

  constructor(address: string) {
    super();
    this.leaderId = 1;
    this.#address = address;
  }

  override members(): readonly MemberView[] {
    return super.members().map((member) => member.id === 1 ? { ...member, httpAddress: this.#address } : member);
  }
}

/** Runs `body` with the address of a leader that does `answer` with every connection, and a count of them. */
async function withLeader(
  answer: (connection: Deno.Conn) => Promise<void>,
  body: (address: string, count: () => number) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let count = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      count += 1;
      await answer(connection);
      connection.close();
    }
  })();
  await body(`127.0.0.1:${listener.addr.port}`, () => count);
  listener.close();
  await serving;
}

async function replyWith(connection: Deno.Conn, text: string): Promise<void> {
  await connection.read(new Uint8Array(65_536));
  await connection.write(new TextEncoder().encode(text));
}

const TRANSFER = "POST /v1/cluster/leader";

Deno.test("a request that was passed on once is not passed on again: two nodes may each take the other for the leader", () =>
  withLeader((connection) => replyWith(connection, ""), async (address, count) => {
    const service = serviceOf(new FollowerOf(address));
    const { status, code } = await ask(service, TRANSFER, { body: "{}", headers: { "x-kv-forwarded": "2" } });
    assertEquals([status, code, count()], [503, "no_leader", 0]);
  }));

Deno.test("the leader's answer is passed back", () =>
  withLeader(
    (connection) =>
      replyWith(
        connection,
        'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"leader":2,"term":4}',
      ),
    async (address, count) => {
      const { status, json } = await ask(serviceOf(new FollowerOf(address)), TRANSFER, { body: "{}" });
      assertEquals([status, json, count()], [200, { leader: 2, term: 4 }, 1]);
    },
  ));

Deno.test("a leader that closes without an answer, or is not there, leaves the outcome unknown", async () => {
  let gone = "";
  await withLeader((connection) => replyWith(connection, ""), async (address) => {
    gone = address;
    const { status, code } = await ask(serviceOf(new FollowerOf(address)), TRANSFER, { body: "{}" });
    assertEquals([status, code], [504, "outcome_unknown"]);
  });
  const { status, code } = await ask(serviceOf(new FollowerOf(gone)), TRANSFER, { body: "{}" });
  assertEquals([status, code], [504, "outcome_unknown"]);
});
