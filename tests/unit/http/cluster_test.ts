/** The cluster, snapshots and backups over HTTP. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Backup, TransferOutcome } from "../../../lib/node/api.ts";
import type { BodySink } from "../../../lib/http/http.ts";
import { BACKUP_PIECE_BYTES, SNAPSHOT_ROUTES } from "../../../lib/http/routes/snapshot.ts";
import { BACKUP_BYTES_PER_SECOND_MAX } from "../../../lib/node/limits.ts";
import { LEADER_TOO_OLD } from "../../../lib/node/membership/change_texts.ts";
import { toIndex, toTerm } from "../../../lib/raft/types.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

Deno.test("cluster: leader, term, quorum and members", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  const { json } = await ask(service, "GET /v1/cluster");
  assertEquals([json?.["node"], json?.["leader"], json?.["term"], json?.["level"]], [0, 0, 3, 6]);
  const { json: list } = await ask(service, "GET /v1/cluster/members");
  assertEquals(json?.["members"], list?.["members"]);
  assertEquals((list?.["members"] as readonly unknown[])[1], {
    id: 1,
    client_address: "127.0.0.1:5001",
    peer_address: "127.0.0.1:15001",
    http_address: "127.0.0.1:8001",
    voter: true,
    drained: false,
    reachable: true,
    quarantined: false,
    role: "Follower",
    term: 3,
    match_index: 40,
    lag: 2,
    protocol: { oldest: 6, newest: 6 },
    last_contact_ms: 12,
  });
  const [member] = node.members();
  assert(member !== undefined);
  node.members = () => [{ ...member, quarantined: true }];
  const { json: shown } = await ask(service, "GET /v1/cluster");
  assertEquals((shown?.["members"] as readonly { quarantined: boolean }[])[0]?.quarantined, true);
  node.logLines = [{ id: { index: toIndex(7), term: toTerm(2) }, text: 'PUT "é"' }];
  assertEquals((await ask(service, "GET /v1/cluster/log")).json, { entries: [{ index: 7, term: 2, text: 'PUT "é"' }] });
  for (const count of ["0", "1001", "x"]) {
    assertEquals((await ask(service, `GET /v1/cluster/log?count=${count}`)).status, 400);
  }
});

Deno.test("cluster: the leadership moves where it is asked to, or the reply says why not", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  const post = (body: string) => ask(service, "POST /v1/cluster/leader", { body });
  node.transferOutcome = { type: "Done", leaderId: 2, term: toTerm(4) };
  assertEquals((await post('{"node":2}')).json, { leader: 2, term: 4 });
  assertEquals((await post("{}")).status, 200);
  assertEquals((await post("")).status, 200);
  assertEquals(node.transfers, [2, undefined, undefined]);
  for (const body of ['{"node":-1}', '{"node":"1"}', '{"nod":1}', "[]", "x"]) {
    assertEquals((await post(body)).code, "invalid_body", body);
  }
  const cases: readonly (readonly [outcome: TransferOutcome, status: number, code: string, detail: RegExp])[] = [
    [{ type: "NotAMember" }, 409, "not_a_member", /no node 1; the members are 0, 1, 2/],
    [{ type: "NotAVoter" }, 409, "not_a_voter", /Node 1 is a learner.*promote 1$/],
    [{ type: "Drained" }, 409, "drained", /Node 1 is drained.*undrain 1$/],
    [{ type: "NotReachable" }, 409, "not_reachable", /cannot reach node 1; start it/],
    [{ type: "NotCaughtUp", lag: 20_000 }, 409, "not_caught_up", /Node 1 is 20000 entries behind; wait/],
    [{ type: "NotCaughtUp", lag: undefined }, 409, "not_caught_up", /Node 1 is an unknown number of entries behind/],
    [{ type: "NoOther" }, 409, "no_other_voter", /no other voter; add a node/],
    [{ type: "Failed" }, 504, "not_transferred", /nothing is lost.*try again/],
  ];
  for (const [outcome, status, code, detail] of cases) {
    node.transferOutcome = outcome;
    const answer = await post('{"node":1}');
    assertEquals([answer.status, answer.code], [status, code]);
    assertMatch(String(answer.json?.["detail"]), detail);
  }
  node.transferOutcome = { type: "NotLeader" };
  node.leaderId = undefined;
  assertEquals((await post("{}")).code, "no_leader");
});

Deno.test("snapshot: the answer is an index and a term, and nothing of the entry that stands there", async () => {
  const node = new FakeNode();
  const entry = { index: toIndex(42), term: toTerm(3), type: "Command", command: "a secret" };
  node.snapshotOutcome = () => Promise.resolve({ type: "Created", id: entry });
  const reply = await ask(serviceOf(node), "POST /v1/snapshot");
  assertEquals(reply.json, { index: 42, term: 3 });
});

Deno.test("snapshot: created, up to date, failed", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  const id = { index: toIndex(42), term: toTerm(3) };
  const created = await ask(service, "POST /v1/snapshot");
  assertEquals([created.status, created.json], [201, id]);
  node.snapshotOutcome = () => Promise.resolve({ type: "UpToDate", id });
  assertEquals((await ask(service, "POST /v1/snapshot")).status, 200);
  node.snapshotOutcome = () => Promise.resolve({ type: "NotSound" });
  const refused = await ask(service, "POST /v1/snapshot");
  assertEquals([refused.status, refused.code], [503, "quarantined"]);
  node.snapshotOutcome = () => Promise.resolve({ type: "Failed", message: "no room" });
  assertEquals((await ask(service, "POST /v1/snapshot")).code, "no_space");
  node.healthNow = { stopping: true, failed: false, hasSpace: true };
  assertEquals((await ask(service, "POST /v1/snapshot")).code, "stopping");
});

/** A backup of some bytes in memory, of which only `readable` can be read. */
function backupOf(bytes: Uint8Array, readable = bytes.length): Backup & { closed: number } {
  return {
    id: { index: toIndex(5), term: toTerm(1) },
    bytes: bytes.length,
    read: (offset, lengthMax) => bytes.subarray(offset, Math.min(offset + lengthMax, readable)),
    closed: 0,
    close() {
      this.closed += 1;
    },
  };
}

/** What a client that reads everything gets, and how it ends. */
async function download(
  node: FakeNode,
  headers: Readonly<Record<string, string>> = {},
): Promise<
  {
    readonly text: string;
    readonly end: string;
    readonly status: number;
    readonly headers: ReadonlyMap<string, string>;
  }
> {
  const route = SNAPSHOT_ROUTES.find(({ id }) => id === "getBackup");
  assert(route !== undefined);
  const { handler, clock } = serviceOf(node);
  const sent = new Map(Object.entries(headers));
  const request = { method: "GET", path: "/v1/backup", query: "", headers: sent, body: "", remote: "", id: "r" };
  const reply = await handler.handle(request);
  const { body } = reply;
  assert(typeof body !== "string");
  assertEquals(new Map(reply.headers).get("Content-Disposition"), 'attachment; filename="kvstore-5-1.snap"');
  let [text, end] = ["", ""];
  const sink: BodySink = {
    unsentBytes: 0,
    send: (piece) => {
      text += piece;
    },
    finish: () => {
      end = "finished";
    },
    abort: () => {
      end = "aborted";
    },
  };
  body.opened(sink);
  while (end === "") {
    body.drained();
    await clock.advance(1_000);
  }
  body.closed();
  return { text, end, status: reply.status, headers: new Map(reply.headers) };
}

Deno.test("backup: the file in pieces, and a broken transfer when it is shorter than it was", async () => {
  const node = new FakeNode();
  const bytes = Uint8Array.from({ length: BACKUP_PIECE_BYTES * 2 + 5 }, (_, at) => at % 251);
  const whole = backupOf(bytes);
  node.backupOutcome = { type: "Opened", backup: whole };
  const { text, end } = await download(node);
  assertEquals([text.length, end, whole.closed], [bytes.length, "finished", 1]);
  assertEquals(text, Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const short = backupOf(bytes, BACKUP_PIECE_BYTES + 1);
  node.backupOutcome = { type: "Opened", backup: short };
  assertEquals((await download(node)).end, "aborted");
  assertEquals(short.closed, 1);
  const failing: Backup = {
    ...backupOf(bytes),
    read: () => {
      throw new Error("EIO");
    },
  };
  node.backupOutcome = { type: "Opened", backup: failing };
  assertEquals((await download(node)).end, "aborted");
});

Deno.test("backup: no piece leaves before its time, nor while the client has not taken the one before, nor behind the end", async () => {
  const node = new FakeNode();
  const backup = backupOf(new Uint8Array(BACKUP_PIECE_BYTES * 4));
  node.backupOutcome = { type: "Opened", backup };
  const { handler, clock } = serviceOf(node);
  const head = { method: "GET", path: "/v1/backup", query: "", headers: new Map(), body: "", remote: "", id: "r" };
  const { body } = await handler.handle(head);
  assert(typeof body !== "string");
  let pieces = 0;
  const sink = {
    unsentBytes: 0,
    send: (piece: string) => {
      pieces += 1;
      sink.unsentBytes += piece.length;
    },
    finish: () => {},
    abort: () => {},
  };
  const takes = () => {
    sink.unsentBytes = 0;
    body.drained();
  };
  const pieceMs = BACKUP_PIECE_BYTES / BACKUP_BYTES_PER_SECOND_MAX * 1_000;
  body.opened(sink);
  takes();
  await clock.advance(pieceMs / 2);
  assertEquals(pieces, 1);
  await clock.advance(pieceMs / 2);
  assertEquals(pieces, 2);
  await clock.advance(10 * pieceMs);
  assertEquals(pieces, 2);
  takes();
  assertEquals(pieces, 3);
  takes();
  body.closed();
  await clock.advance(10 * pieceMs);
  assertEquals([pieces, backup.closed], [3, 1]);
});

Deno.test("backup: a part of it under the tag of the same file, and the whole under another", async () => {
  const node = new FakeNode();
  const bytes = Uint8Array.from({ length: 2 * BACKUP_PIECE_BYTES }, (_, at) => at % 251);
  node.backupOutcome = { type: "Opened", backup: backupOf(bytes) };
  const whole = await download(node);
  const tag = whole.headers.get("ETag") ?? "";
  assertMatch(tag, /^"5-1-524288-[0-9a-f]{16}"$/);
  const part = await download(node, { range: "bytes=100000-", "if-range": tag });
  assertEquals([part.status, part.text, part.end], [206, whole.text.slice(100_000), "finished"]);
  assertEquals(part.headers.get("Content-Range"), `bytes 100000-524287/524288`);
  const middle = await download(node, { range: "bytes=7-300000" });
  assertEquals([middle.status, middle.text], [206, whole.text.slice(7, 300_001)]);
  const other = backupOf(bytes.map((byte, at) => at === bytes.length - 1 ? byte ^ 1 : byte));
  node.backupOutcome = { type: "Opened", backup: other };
  const anew = await download(node, { range: "bytes=100000-", "if-range": tag });
  assertEquals([anew.status, anew.text.length, anew.headers.get("ETag") === tag], [200, bytes.length, false]);
  const beyond = await ask(serviceOf(node), "GET /v1/backup", { headers: { range: "bytes=524288-" } });
  assertEquals([beyond.status, beyond.code, beyond.headers.get("content-range")], [
    ...[416, "range_not_satisfiable", "bytes */524288"],
  ]);
  assertEquals(other.closed, 2);
});

Deno.test("backup: what was acknowledged before is in it, so a majority is asked unless stale is", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  node.backupOutcome = { type: "Empty" };
  node.refusal = "NoLeader";
  assertEquals((await ask(service, "GET /v1/backup")).status, 503);
  assertEquals((await ask(service, "GET /v1/backup?level=stale")).code, "empty");
  assertEquals((await ask(service, "GET /v1/backup?level=x")).status, 400);
});

Deno.test("backup: HEAD opens nothing, and refusals say why", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  const backup = backupOf(new Uint8Array(3));
  node.backupOutcome = { type: "Opened", backup };
  assertEquals((await ask(service, "HEAD /v1/backup")).headers.get("x-kv-snapshot-bytes"), "3");
  assertEquals(backup.closed, 1);
  for (
    const [outcome, status, code] of [
      [{ type: "Empty" }, 404, "empty"],
      [{ type: "Busy" }, 429, "overloaded"],
      [{ type: "Failed", message: "x" }, 507, "no_space"],
      [{ type: "NotSound" }, 503, "quarantined"],
    ] as const
  ) {
    node.backupOutcome = outcome;
    const answer = await ask(service, "GET /v1/backup");
    assertEquals([answer.status, answer.code], [status, code]);
  }
});

Deno.test("members: what is asked for reaches the node, and its outcome the client", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  node.changeOutcome = { type: "Done", id: 2 };
  const done = await ask(service, "DELETE /v1/cluster/members/2");
  assertEquals([done.status, done.json?.["id"], Array.isArray(done.json?.["members"])], [200, 2, true]);
  const promoted = await ask(service, "POST /v1/cluster/members/2/promote");
  assertEquals([promoted.json?.["id"], promoted.json?.["listed"], done.json?.["listed"]], [2, undefined, false]);
  for (const word of ["drain", "undrain"]) {
    assertEquals((await ask(service, `POST /v1/cluster/members/2/${word}`)).json?.["id"], 2);
  }
  const two = { "peer_address": "127.0.0.1:15003", "client_address": "[::1]:5003" };
  const add = (body: Readonly<Record<string, unknown>>) =>
    ask(service, "POST /v1/cluster/members", { body: JSON.stringify(body) });
  assertEquals((await add({ id: 2, ...two, "http_address": "h:8003" })).json?.["id"], 2);
  assertEquals((await add(two)).status, 200);
  for (const request of ["DELETE /v1/cluster/members/x", "POST /v1/cluster/members/2147483648/promote"]) {
    const { status, code } = await ask(service, request);
    assertEquals([status, code], [404, "not_a_member"]);
  }
  const addresses = { peerAddress: "127.0.0.1:15003", clientAddress: "[::1]:5003" };
  assertEquals(node.memberChanges, [
    { type: "Remove", id: 2 },
    { type: "Promote", id: 2 },
    { type: "Drain", id: 2 },
    { type: "Undrain", id: 2 },
    { type: "Add", id: 2, ...addresses, httpAddress: "h:8003" },
    { type: "Add", ...addresses },
  ]);
  node.retired = [[1, 3]];
  assertEquals((await ask(service, "DELETE /v1/cluster/members/2")).json?.["listed"], true);
});

Deno.test("members: a new server without an id, with addresses that are none, is not asked for", async () => {
  const node = new FakeNode();
  const good = { "peer_address": "h:15003", "client_address": "h:5003" };
  const bad = [
    {},
    { peer_address: "h:15003" },
    { ...good, client_address: "h" },
    { ...good, client_address: "h:0" },
    { ...good, client_address: "a b:5003" },
    { ...good, client_address: "h:15003" },
    { ...good, http_address: "" },
    { ...good, peer_address: `${"h".repeat(300)}:1` },
    { ...good, id: -1 },
    { ...good, id: 2_147_483_648 },
    { ...good, voter: true },
  ];
  for (const body of bad) {
    const { status, code } = await ask(serviceOf(node), "POST /v1/cluster/members", { body: JSON.stringify(body) });
    assertEquals([status, code], [400, "invalid_body"], JSON.stringify(body));
  }
  assertEquals(node.memberChanges, []);
});

Deno.test("members: not there, unsafe, unknown, no leader", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  for (
    const [outcome, status, code] of [
      [{ type: "NotAMember" }, 404, "not_a_member"],
      [{ type: "Unsafe", reason: "it is the last voter", passing: false }, 409, "unsafe_membership_change"],
      [{ type: "Unknown" }, 504, "outcome_unknown"],
    ] as const
  ) {
    node.changeOutcome = outcome;
    for (const request of ["DELETE /v1/cluster/members/1", "POST /v1/cluster/members/1/promote"]) {
      const answer = await ask(service, request);
      assertEquals([answer.status, answer.code], [status, code]);
    }
  }
  node.changeOutcome = { type: "Unsafe", reason: "wait", passing: true };
  const { json } = await ask(service, "DELETE /v1/cluster/members/1");
  assertEquals([json?.["detail"], json?.["passing"]], ["Nothing was begun: wait", true]);
  node.changeOutcome = { type: "NotLeader" };
  node.leaderId = undefined;
  assertEquals((await ask(service, "DELETE /v1/cluster/members/1")).code, "no_leader");
});

Deno.test("members: a leader that knows no such operation is of an older version, and the refusal says what to do", async () => {
  const leader = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response('{"code":"method_not_allowed"}', { status: 405 }),
  );
  const node = new FakeNode();
  const address = `127.0.0.1:${leader.addr.port}`;
  const [own, led, ...others] = node.members();
  assert(own !== undefined && led !== undefined);
  node.members = () => [own, { ...led, httpAddress: address }, ...others];
  Object.assign(node, { leaderId: 1, changeOutcome: { type: "NotLeader" } });
  const { status, code, json } = await ask(serviceOf(node), "POST /v1/cluster/members/1/drain");
  await leader.shutdown();
  assertEquals([status, code, json?.["passing"]], [409, "unsafe_membership_change", false]);
  assertEquals(json?.["detail"], `Nothing was begun: ${LEADER_TOO_OLD}`);
});
