import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionLostError, TextConnection } from "../../../lib/cluster/text_connection.ts";
import { findStrangers, probeMembers, probeNode, readMembers, readStatus } from "../../../lib/cluster/probe.ts";

/** A server of one connection that sends the given pieces after each line it gets. */
async function withServer(
  replies: readonly (readonly string[])[],
  use: (endpoint: { hostname: string; port: number }, got: string[]) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const got: string[] = [];
  const served = (async () => {
    const conn = await listener.accept();
    const buffer = new Uint8Array(65_536);
    for (const pieces of replies) {
      const count = await conn.read(buffer);
      if (count === null) break;
      got.push(new TextDecoder().decode(buffer.subarray(0, count)));
      for (const piece of pieces) await conn.write(Uint8Array.from(piece, (character) => character.charCodeAt(0)));
    }
    conn.close();
  })();
  try {
    await use({ hostname: "127.0.0.1", port: listener.addr.port }, got);
  } finally {
    listener.close();
    await served.catch(() => {});
  }
}

Deno.test("replies of one line and of several are told apart, whatever the pieces", async () => {
  await withServer([
    ["value of k: v\n"],
    ["Status\r\nNode ID: 1", "\nRole: Leader\n", "\n"],
    ["Error: Usage: LOGS [count]\n"],
    ["caf\xc3\xa9\n"],
  ], async (endpoint, got) => {
    const connection = await TextConnection.open(endpoint, 5_000);
    const ask = (line: string, multiLine: boolean) => connection.request({ line, multiLine, timeoutMs: 5_000 });
    assertEquals(await ask("GET k", false), "value of k: v");
    assertEquals(await ask("STATUS", true), "Status\nNode ID: 1\nRole: Leader");
    assertEquals(await ask("LOGS x", true), "Error: Usage: LOGS [count]");
    assertEquals(await ask("GET \xc3\xa9", false), "caf\xc3\xa9");
    assertEquals(got, ["GET k\n", "STATUS\n", "LOGS x\n", "GET é\n"]);
    connection.close();
    connection.close();
  });
});

Deno.test("a connection that ends or is silent is lost, and stays so", async () => {
  await withServer([["half"]], async (endpoint) => {
    const connection = await TextConnection.open(endpoint, 5_000);
    const request = { line: "PUT k v", multiLine: false, timeoutMs: 5_000 };
    const first = await assertRejects(() => connection.request(request), ConnectionLostError, "the server closed it");
    assertEquals(first.sent, "MaybeSent");
    const second = await assertRejects(() => connection.request(request), ConnectionLostError);
    assertEquals(second.sent, "NotSent");
  });
  await withServer([[], []], async (endpoint) => {
    const connection = await TextConnection.open(endpoint, 5_000);
    const error = await assertRejects(
      () => connection.request({ line: "GET k", multiLine: false, timeoutMs: 20 }),
      ConnectionLostError,
      "no answer within 20 ms",
    );
    assertEquals(error.sent, "MaybeSent");
  });
});

Deno.test("a reply of any number of lines has a longest length", async () => {
  for (const piece of ["line\n", "no end "]) {
    await withServer([[piece.repeat(1_000)]], async (endpoint) => {
      const connection = await TextConnection.open(endpoint, 5_000);
      const request = { line: "LOGS", multiLine: true, timeoutMs: 5_000, replyBytesMax: 1_000 };
      await assertRejects(() => connection.request(request), ConnectionLostError, "the reply is too long");
    });
  }
});

Deno.test("a port without a server is a connection that was never there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const endpoint = { hostname: "127.0.0.1", port: listener.addr.port };
  listener.close();
  const error = await assertRejects(
    () => TextConnection.open(endpoint, 5_000),
    ConnectionLostError,
    "Cannot connect to",
  );
  assertEquals(error.sent, "NotSent");
  assertEquals(await probeNode(endpoint, { timeoutMs: 1_000 }), undefined);
  assertEquals(await probeMembers(endpoint, { timeoutMs: 1_000 }), undefined);
});

Deno.test("CLUSTER is read for who belongs to the cluster, and a node that has not joined knows nobody", async () => {
  const reply = "Cluster\n" +
    "Node 1: 127.0.0.1:5001, Peer Address: 127.0.0.1:15001, Role: Leader, Lag: 0, Reachable: yes, Voter: yes, Protocol: 6-7\n" +
    "Node 12: unknown, Peer Address: 127.0.0.1:15002, Role: unknown, Lag: 0, Reachable: no, Voter: no, Protocol: unknown\n" +
    "Level: 7\n\n";
  const members = new Map([[1, "Voter"], [12, "Learner"]]);
  assertEquals<unknown>(readMembers(reply), members);
  assertEquals(readMembers("Cluster\nNode : x\nNode x: y\nLevel: 7\n").size, 0);
  await withServer([[reply]], async (endpoint) => {
    assertEquals<unknown>(await probeMembers(endpoint, { timeoutMs: 5_000 }), members);
  });
});

Deno.test("who is no member is known by the lists of a majority of the voters, and by no fewer", () => {
  const list = (voters: readonly number[], learners: readonly number[] = []) =>
    new Map([
      ...voters.map((id) => [id, "Voter"] as const),
      ...learners.map((id) => [id, "Learner"] as const),
    ]);
  const find = (lists: readonly (readonly [number, ReturnType<typeof list>])[]) =>
    findStrangers([0, 1, 2, 3, 4], new Map(lists));
  const all = list([0, 1, 2], [3]);
  assertEquals(find([[0, all], [1, all]]), [4]);
  assertEquals(find([[0, list([0, 1, 2])], [1, all]]), [4]);
  assertEquals(find([[0, list([0, 1, 2])], [1, list([0, 1, 2])]]), [3, 4]);
  // One of three, a learner beside it, one that has not joined: they may all lag behind.
  for (const lists of [[[0, all]], [[0, all], [3, all]], [[0, all], [4, list([])]], [[4, list([])]], []] as const) {
    assertEquals(find(lists), []);
  }
});

Deno.test("STATUS is read by the names of its lines", () => {
  const cases: [reply: string, expected: ReturnType<typeof readStatus>][] = [
    ["Node status\nNode ID: 1\nRole: Leader\nTerm: 3\nLeader ID: 1", { nodeId: 1, role: "Leader", leaderId: 1 }],
    ["Node ID: 2\nRole: Candidate\nLeader ID: none", { nodeId: 2, role: "Candidate", leaderId: undefined }],
    ["Error: x", { nodeId: undefined, role: "Unknown", leaderId: undefined }],
  ];
  for (const [reply, expected] of cases) assertEquals(readStatus(reply), expected);
});
