/** A Redis as the source of an import, played by a script: connections that break, keys that change, parts of a cluster. */

import { assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../../lib/cli/failures.ts";
import { RedisLink } from "../../../../lib/cli/transfer/redis_link.ts";
import { REDIS_READ_BYTES_MAX, RedisSource } from "../../../../lib/cli/transfer/redis_source.ts";
import { bulk, error, list, OK, status } from "../../../support/resp/encode.ts";
import { CLOSE, type Script, ScriptedServer } from "../../../support/resp/scripted_server.ts";

const NOBODY = { credentials: undefined, database: 0 };
const NOW_MS = 1_000_000;

/** What a source makes of a server with that script. */
async function read(script: Script, prefix = "") {
  await using server = new ScriptedServer(script);
  using link = await RedisLink.open(server.address, NOBODY);
  const source = new RedisSource(link, { prefix, now: () => NOW_MS });
  const records = await Array.fromAsync(source.records());
  const left = source.leftOut().map(({ keys }) => keys);
  return { records, left, requests: server.requests.map((words) => words.join(" ")) };
}

/** One page of keys, whose values come by a function. */
function pageOf(keys: readonly string[], exec: (key: string) => string, lengthOf = (_: string) => ":1\r\n"): Script {
  let asked = "";
  return ([name, key = ""]) => {
    if (name === "SCAN") return list([bulk("0"), list(keys.map(bulk))]);
    if (name === "STRLEN") return lengthOf(key);
    if (name === "MULTI") return OK;
    if (name === "TYPE") return status("list");
    if (name === "GET") asked = key;
    if (name === "GET" || name === "PTTL") return status("QUEUED");
    return name === "EXEC" ? exec(asked) : undefined;
  };
}

Deno.test("value and deadline are asked for together, and a key that is gone or changes its type meanwhile is no string", async () => {
  const answers: Readonly<Record<string, string>> = {
    stays: list([bulk("v"), ":-1\r\n"]),
    brief: list([bulk("w"), ":500\r\n"]),
    gone: list(["$-1\r\n", ":-2\r\n"]),
    changed: list([error("WRONGTYPE no string"), ":-1\r\n"]),
  };
  const { records, left, requests } = await read(pageOf(Object.keys(answers), (key) => answers[key] ?? ""));
  assertEquals(records, [
    { key: "stays", value: "v", expiresAt: undefined, ttlMs: undefined },
    { key: "brief", value: "w", expiresAt: NOW_MS + 500, ttlMs: 500 },
  ]);
  assertEquals(left, [1, 0]);
  const from = requests.indexOf("MULTI");
  assertEquals(requests.slice(from, from + 4), ["MULTI", "GET stays", "PTTL stays", "EXEC"]);
});

Deno.test("values are asked for in bounded parts", async () => {
  const script = pageOf(
    ["a", "b", "c"],
    (key) => list([bulk(key), ":-1\r\n"]),
    () => `:${REDIS_READ_BYTES_MAX / 2}\r\n`,
  );
  let [underWay, most] = [0, 0];
  const { records } = await read((words) => {
    if (words[0] === "MULTI") most = Math.max(most, ++underWay);
    if (words[0] !== "EXEC") return script(words);
    const answer = script(words);
    return new Promise((resolve) =>
      setTimeout(() => {
        underWay -= 1;
        resolve(answer ?? "");
      })
    );
  });
  assertEquals([records.length, most], [3, 2]);
});

Deno.test("a connection that breaks, and an error that nobody expects, end it with a line", async () => {
  await assertRejects(
    () => read(([name]) => name === "SCAN" ? CLOSE : undefined),
    Failure,
    "The connection to Redis at",
  );
  const refused = pageOf(["a"], () => error("EXECABORT no"));
  await assertRejects(() => read(refused), Failure, "refuses MULTI: EXECABORT no");
  const lengthless = pageOf(["a"], () => "", () => error("NOPERM no"));
  await assertRejects(() => read(lengthless), Failure, "refuses STRLEN: NOPERM no");
});

Deno.test("a part of a Redis Cluster is known by what it says of itself", async () => {
  for (
    const [info, isPart] of [
      [bulk("# Cluster\r\ncluster_enabled:1\r\n"), true],
      [bulk("cluster_enabled:0\r\n"), false],
      [error("NOPERM"), false],
    ] as const
  ) {
    await using server = new ScriptedServer(([name]) => name === "INFO" ? info : undefined);
    using link = await RedisLink.open(server.address, NOBODY);
    assertEquals(await link.isPartOfCluster(), isPart);
  }
});
