/** Transactions over HTTP: comparisons, both lists, results, strictness. */

import { assert, assertEquals } from "@std/assert";
import { TXN_RESULT_BYTES_MAX, TXN_ROUTES } from "../../../lib/http/routes/txn.ts";
import { VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import { StateNode } from "../../support/state_node.ts";
import { type Answer, ask, type Service, serviceOf } from "./support/ask.ts";

const TURNS_MAX = 10_000;

function txn(service: Service, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return ask(service, "POST /v1/txn", { body: JSON.stringify(body), headers });
}

Deno.test("txn: text that UTF-8 cannot say is refused, so that no two keys are taken for one", async () => {
  const service = serviceOf(new StateNode());
  const lone = String.raw`"\ud800"`;
  for (
    const body of [
      `{"then":[{"put":{"key":${lone},"value":"x"}}]}`,
      `{"then":[{"put":{"key":"k","value":${lone}}}]}`,
      `{"then":[{"command":["SET","k",${lone}]}]}`,
      `{"compare":[{"key":${lone},"op":"=","value":"1"}],"then":[]}`,
    ]
  ) {
    const reply = await ask(service, "POST /v1/txn", { body });
    assertEquals([reply.status, reply.code], [400, "invalid_body"], body);
  }
  assertEquals((await ask(service, "GET /v1/kv/k")).status, 404);
});

Deno.test("txn: then or else, at once, with a result for each operation", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/balance", { body: "10" });
  const body = {
    compare: [{ key: "balance", op: "=", value: "10" }],
    then: [
      { put: { key: "balance", value: "7", ttl: "10s" } },
      { get: { key: "balance" } },
      { get: { key: "nothing" } },
      { delete: { key: "nothing" } },
      { command: ["incrby", "count", 5] },
      { command: ["MGET", "balance", "nothing"] },
      { command: ["APPEND", { base64: "/w==" }, { base64: "gA==" }] },
      { get: { key_base64: "/w==" } },
      { command: ["GET", { base64: "/w==" }] },
      { command: ["INCR", "balance"] },
      { command: ["INCR", { base64: "/w==" }] },
    ],
    else: [{ get: { key: "balance" } }],
  };
  const done = await txn(service, body);
  assertEquals(done.json, {
    succeeded: true,
    revision: 2,
    results: [
      { put: true },
      { found: true, value: "7" },
      { found: false },
      { deleted: false },
      { reply: 5 },
      { reply: ["7", null] },
      { reply: 1 },
      { found: true, value_base64: "gA==" },
      { reply: { base64: "gA==" } },
      { reply: 8 },
      { error: "ERR value is not an integer or out of range" },
    ],
  });
  const other = await txn(service, body);
  assertEquals(other.json, { succeeded: false, revision: 3, results: [{ found: true, value: "8" }] });
});

Deno.test("txn: every field and operator", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/a", { body: "m" });
  await ask(service, "PUT /v1/kv/a", { body: "m" });
  const holds = [
    { key: "a", value: "m" },
    { key: "a", op: ">", value: "a" },
    { key: "a", op: "<", value_base64: "/w==" },
    { key: "a", op: "!=", value: "x" },
    { key: "a", field: "version", value: 2 },
    { key: "a", field: "create_revision", value: 1 },
    { key: "a", field: "mod_revision", op: ">", value: "1" },
    { key: "a", field: "exists", value: true },
    { key: "b", field: "exists", value: false },
    { key: "b", field: "exists", value: 0 },
  ];
  for (const compare of holds) {
    assertEquals((await txn(service, { compare: [compare] })).json?.["succeeded"], true, JSON.stringify(compare));
  }
  assertEquals((await txn(service, { compare: [...holds, { key: "a", value: "n" }] })).json?.["succeeded"], false);
});

Deno.test("txn: what is wrong is refused with its place, and nothing is done", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  const cases: readonly (readonly [body: unknown, detail: string])[] = [
    [[], "the body must be an object"],
    [{ than: [] }, 'the body has an unknown field "than"; known are compare, then, else'],
    [{ then: {} }, "/then must be a list"],
    [{ then: [{}] }, "/then/0 must have exactly one field of put, get, delete, command"],
    [
      { then: [{ put: { key: "a", value: "b" }, get: { key: "a" } }] },
      "/then/0 must have exactly one field of put, get, delete, command",
    ],
    [{ then: [{ put: { key: "a" } }] }, "/then/0/put/value must be a string"],
    [{ then: [{ put: { key: 1, value: "b" } }] }, "/then/0/put/key must be a string"],
    [
      { then: [{ put: { key: "a", value: "b", ttl: "10" } }] },
      "/then/0/put/ttl must be a number with ms, s, m, h or d, such as 10s",
    ],
    [{ then: [{ put: { key_base64: "!", value: "b" } }] }, "/then/0/put/key_base64 must be base64"],
    [{ then: [{ get: { key: "a", key_base64: "YQ==" } }] }, "/then/0/get has both key and key_base64"],
    [{ else: [{ command: ["NOPE"] }] }, "/else/0/command is refused: ERR unknown command"],
    [{ else: [{ command: ["GET"] }] }, "/else/0/command is refused: ERR wrong number of arguments for 'get' command"],
    [{ else: [{ command: [null] }] }, "/else/0/command/0 must be an object"],
    [{ compare: [{ key: "a" }] }, "/compare/0/value must be a string"],
    [
      { compare: [{ key: "a", field: "ttl", value: "1" }] },
      "/compare/0/field must be one of value, version, create_revision, mod_revision, exists",
    ],
    [{ compare: [{ key: "a", op: "==", value: "1" }] }, "/compare/0/op must be one of = != < >"],
    [{ compare: [{ key: "a", field: "version", value: "x" }] }, "/compare/0/value must be a number from 0 on"],
    [{ compare: [{ key: "a", field: "version", value: 1.5 }] }, "/compare/0/value must be a string"],
  ];
  for (const [body, detail] of cases) {
    const answer = await txn(service, body);
    assertEquals([answer.status, answer.code, answer.json?.["detail"]], [400, "invalid_body", detail]);
  }
  for (const body of ["", "{", "\xff", "nul"]) {
    assertEquals((await ask(service, "POST /v1/txn", { body })).code, "invalid_body");
  }
  const long = await txn(service, { then: [{ get: { key: "k".repeat(65) } }] });
  assertEquals([long.status, long.code], [413, "too_large"]);
  assertEquals(node.asked, []);
});

Deno.test("txn: in a session once", async () => {
  const service = serviceOf(new StateNode());
  const { json } = await ask(service, "POST /v1/sessions");
  const headers = { "idempotency-key": `${json?.["id"]}:7` };
  const first = await txn(service, { then: [{ command: ["INCR", "n"] }] }, headers);
  const again = await txn(service, { then: [{ command: ["INCR", "n"] }] }, headers);
  assertEquals(first.json, again.json);
  assertEquals((await ask(service, "GET /v1/kv/n")).body, "1");
});

Deno.test("txn: results that have no room are errors in their place, what they stand for is done, and the rest is told", async () => {
  const node = new StateNode();
  const service = serviceOf(node, TXN_ROUTES);
  const value = "x".repeat(VALUE_BYTES_MAX);
  node.submit({ type: "Call", call: ["SET", "k", value] }, () => {});
  const fitting = Math.floor(TXN_RESULT_BYTES_MAX / VALUE_BYTES_MAX) - 1;
  const gets = new Array<unknown>(fitting + 2).fill({ get: { key: "k" } });
  const many = { command: ["MGET", ...new Array<string>(fitting + 2).fill("k")] };
  const then = [many, ...gets, { put: { key: "done", value: "1" } }, { get: { key: "done" } }];
  const answer = await inTurns(service, txn(service, { then }));
  const error = `ERR the result is too long: all of them have ${TXN_RESULT_BYTES_MAX} bytes of JSON`;
  const results = answer.json?.["results"];
  assert(answer.status === 200 && Array.isArray(results));
  const short = results.map((result) =>
    // No long value is shown where another result comes.
    Array.isArray(result.reply) ? "a list" : result.value?.length > 9 ? result.value.length : result
  );
  const whole = new Array<number>(fitting).fill(VALUE_BYTES_MAX);
  const told = [{ error }, { error }, { put: true }, { found: true, value: "1" }];
  assertEquals(short, [{ reply: { error } }, ...whole, ...told]);
});

/** What is done in turns of the clock. */
async function inTurns<T>({ clock }: Service, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => isOver = true;
  work.then(over, over);
  for (let turn = 0; !isOver; turn++) {
    assert(turn < TURNS_MAX, "the answer does not come");
    await clock.advance(0);
  }
  return await work;
}
