/** The change stream of one node: what a watcher is sent, and where a stream begins. */

import { assertEquals } from "@std/assert";
import { askForEvents, EventGround, watchEvents } from "../../support/event_watcher.ts";

Deno.test("a watcher is sent what changes from now on, in order, with everything known of it", async () => {
  const ground = new EventGround();
  ground.put("before", "x");
  await ground.settle();
  const watcher = await watchEvents(ground);
  ground.put("a", "1");
  ground.put("a", "2");
  ground.apply({ type: "Delete", key: "a" });
  await ground.settle();
  assertEquals(watcher.events.map(({ type, data, lastEventId }) => ({ type, data, lastEventId })), [
    { type: "progress", data: { revision: 1 }, lastEventId: "1" },
    {
      type: "put",
      data: {
        key: "a",
        value: "1",
        mod_revision: 2,
        create_revision: 2,
        version: 1,
        expires_at: null,
        previous_revision: null,
      },
      lastEventId: "2",
    },
    {
      type: "put",
      data: {
        key: "a",
        value: "2",
        mod_revision: 3,
        create_revision: 2,
        version: 2,
        expires_at: null,
        previous_revision: 2,
      },
      lastEventId: "3",
    },
    { type: "delete", data: { key: "a", mod_revision: 4, previous_revision: 3 }, lastEventId: "4" },
  ]);
  ground.close(watcher);
});

Deno.test("the reply is an event stream that nobody keeps, and tells how long to wait before the next try", async () => {
  const ground = new EventGround();
  const { status, headers } = await askForEvents(ground);
  assertEquals(status, 200);
  assertEquals(headers[0], ["Content-Type", "text/event-stream"]);
  assertEquals(headers[1], ["Cache-Control", "no-store"]);
  const watcher = await watchEvents(ground);
  assertEquals(typeof watcher.parser.retryMs, "number");
  ground.close(watcher);
});

Deno.test("bytes that are no text come in base64, and text as it is", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  ground.put("\xff", "\x00\x80");
  ground.put("gr\xc3\xb6\xc3\x9fe", 'a "quoted"\nline\u2028');
  await ground.settle();
  const [binary, text] = watcher.changes.map(({ data }) => data);
  assertEquals([binary?.["key_base64"], binary?.["value_base64"]], ["/w==", "AIA="]);
  assertEquals([binary?.["key"], binary?.["value"]], [undefined, undefined]);
  assertEquals(text?.["key"], "größe");
  ground.close(watcher);
});

Deno.test("the events of one entry come together, and only the last carries the id", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  ground.call("MSET", "a", "1", "b", "2", "c", "3");
  ground.call("RENAME", "a", "d");
  await ground.settle();
  assertEquals(watcher.brief, ["put a 1 -", "put b 2 -", "put c 3 1", "delete a - -", "put d 1 2"]);
  ground.close(watcher);
});

Deno.test("deadlines show: when they are set, and when they come", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  ground.call("SET", "a", "1", "PX", "10");
  await ground.settle();
  ground.node.wallClockMs += 11;
  ground.apply({ type: "Advance" });
  await ground.settle();
  assertEquals(watcher.brief, ["put a 1 1", "expire a - 2"]);
  assertEquals(watcher.changes[0]?.data["expires_at"], ground.node.wallClockMs - 1);
  assertEquals(watcher.changes[1]?.data["previous_revision"], 1);
  ground.close(watcher);
});

Deno.test("filters: prefix, range, single key and kinds of changes, the id on the last wanted event", async () => {
  const ground = new EventGround();
  const filters: readonly Readonly<Record<string, string>>[] = [
    { prefix: "b" },
    { start: "b", end: "c" },
    { start: "ba", end: "ba\0" },
    { types: "delete" },
    { prefix: "b", types: "put,expire", start: "bb" },
    { prefix: "\xff" },
    { start: "x", end: "a" },
  ];
  const watchers = await Promise.all(filters.map((query) => watchEvents(ground, { query })));
  ground.call("MSET", "a", "1", "ba", "2", "bb", "3", "c", "4", "\xff\xff", "5");
  ground.call("DEL", "a", "bb");
  await ground.settle();
  assertEquals(watchers.map(({ brief }) => brief), [
    ["put ba 2 -", "put bb 3 1", "delete bb - 2"],
    ["put ba 2 -", "put bb 3 1", "delete bb - 2"],
    ["put ba 2 1"],
    ["delete a - -", "delete bb - 2"],
    ["put bb 3 1"],
    ["put  5 1"],
    [],
  ]);
  ground.close(...watchers);
});

Deno.test("a wrong parameter is refused and told what is wrong", async () => {
  const ground = new EventGround();
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { types: "put,nonsense" },
    { snapshot: "yes" },
    { since: "-1" },
    { since: "99999999999999999" },
    { since: "1e3" },
  ];
  for (const query of wrong) {
    const { status, body } = await askForEvents(ground, { query });
    assertEquals(status, 400, JSON.stringify(query));
    assertEquals(JSON.parse(String(body)).code, "bad_request");
  }
});

Deno.test("a watcher that resumes gets everything behind its revision and nothing twice", async () => {
  const ground = new EventGround();
  for (let at = 1; at <= 10; at++) ground.put(`k${at}`, "v");
  await ground.settle();
  const since = await watchEvents(ground, { query: { since: "7" } });
  const header = await watchEvents(ground, { query: { since: "2", snapshot: "1" }, lastEventId: "9" });
  ground.put("k11", "v");
  await ground.settle();
  assertEquals(since.brief, ["put k8 v 8", "put k9 v 9", "put k10 v 10", "put k11 v 11"]);
  assertEquals(header.brief, ["put k10 v 10", "put k11 v 11"]);
  assertEquals(header.events.filter(({ type }) => type === "snapshot-begin"), []);
  ground.close(since, header);
});

Deno.test("a revision that is not known any more, or not yet, is refused with 410 and what is known", async () => {
  const ground = new EventGround();
  ground.put("a", "1");
  await ground.settle();
  ground.node.changes.jumped(50);
  for (const since of ["49", "51"]) {
    const { status, body } = await askForEvents(ground, { lastEventId: since });
    assertEquals(status, 410);
    const { code, oldest, newest } = JSON.parse(String(body));
    assertEquals({ code, oldest, newest }, { code: "compacted", oldest: 50, newest: 50 });
  }
  const watcher = await watchEvents(ground, { lastEventId: "50" });
  ground.close(watcher);
});

Deno.test("with snapshot=1 the state comes first, then what changed, without a gap", async () => {
  const ground = new EventGround();
  for (let at = 0; at < 5; at++) ground.put(`a${at}`, "1");
  ground.put("b", "1");
  ground.put("0", "1");
  await ground.settle();
  const watcher = await watchEvents(ground, { query: { snapshot: "1", prefix: "a" } });
  await ground.settle();
  ground.put("a2", "2");
  await ground.settle();
  const types = watcher.events.map(({ type }) => type);
  assertEquals(types, ["snapshot-begin", ...Array<string>(5).fill("snapshot"), "snapshot-end", "put"]);
  const end = watcher.events[6];
  assertEquals([end?.lastEventId, end?.data], ["7", { revision: 7 }]);
  const [first] = watcher.events.filter(({ type }) => type === "snapshot");
  assertEquals([first?.data["key"], first?.data["version"], first?.hasId], ["a0", 1, false]);
  ground.close(watcher);
});

Deno.test("who asks for the state and resumes at what is gone hears of that and gets the state", async () => {
  const ground = new EventGround();
  ground.put("a", "1");
  await ground.settle();
  ground.node.changes.jumped(1);
  const watcher = await watchEvents(ground, { query: { snapshot: "1" }, lastEventId: "0" });
  await ground.settle();
  assertEquals(watcher.events.map(({ type }) => type), ["reset", "snapshot-begin", "snapshot", "snapshot-end"]);
  assertEquals(watcher.events[0]?.data, { code: "compacted", oldest: 1 });
  ground.close(watcher);
});
