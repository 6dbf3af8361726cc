/** Thousands of requests made from the OpenAPI document against a real node: nothing but what is documented comes back. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { replyComplaint } from "../support/openapi_replies.ts";
import { type MadeRequest, makeRequest, operationsOf } from "../support/request_maker.ts";

const REQUESTS = 5_000;
const SEED = 20_250_607;
const AT_ONCE = 8;
const GROWTH_BYTES_MAX = 200 * 1024 * 1024;
/** Answers to methods that a path does not have, OPTIONS among them. */
const ANY_STATUS: readonly number[] = [204, 400, 403, 405, 413];

type Json = Readonly<Record<string, unknown>>;

async function residentBytes(cluster: ProcessCluster): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${cluster.node(0).process?.pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) * 1024;
}

function complaintOf(document: Json, { operation, method }: MadeRequest, response: Response): string | undefined {
  const { status } = response;
  if (status === 500) return "a bug of the server";
  const contentType = response.headers.get("content-type") ?? undefined;
  const isServed = operation.statuses.size > 0;
  if (!isServed && !ANY_STATUS.includes(status)) return `${status} of a method that is not there`;
  const complaint = replyComplaint(document, { method, template: operation.path, status, contentType });
  if (isServed && complaint !== undefined) return complaint;
  for (const name of ["x-kv-node", "x-kv-term", "x-request-id"]) {
    if (!response.headers.has(name)) return `${status} without ${name}`;
  }
  return undefined;
}

/** Sends a request, reads its reply, and checks it against the document. */
async function check(
  { base, document }: { readonly base: string; readonly document: Json },
  request: MadeRequest,
): Promise<number> {
  const { method, target, headers, body } = request;
  const shown = `${method} ${target} ${JSON.stringify(headers)} ${
    body === undefined ? "" : new TextDecoder().decode(body)
  }`;
  const response = await fetch(base + target, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  assertEquals(complaintOf(document, request, response), undefined, shown);
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) {
    await response.body?.cancel();
    return response.status;
  }
  const text = await response.text();
  if (method !== "HEAD" && type === "application/json") JSON.parse(text);
  if (method !== "HEAD" && type === "application/problem+json") {
    assert(typeof JSON.parse(text).code === "string", shown);
  }
  return response.status;
}

Deno.test("5 000 generated requests get documented answers and leave the memory bounded", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    const base = `http://127.0.0.1:${cluster.node(0).httpPort}`;
    const document = await (await fetch(`${base}/openapi.json`)).json();
    const operations = operationsOf(document);
    const random = new Random(SEED);
    const before = await residentBytes(cluster);
    const statuses = new Map<number, number>();
    const seen = new Set<string>();
    let left = REQUESTS;
    const send = async () => {
      while (left > 0) {
        left -= 1;
        const request = makeRequest(operations, random);
        const status = await check({ base, document }, request);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status < 300) seen.add(request.operation.id);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    // A generator that is refused everywhere would prove nothing.
    assert((statuses.get(200) ?? 0) > REQUESTS / 4, JSON.stringify([...statuses]));
    for (
      const id of ["getKey", "putKey", "deleteKey", "scanKeys", "transact", "openSession", "watchEvents", "getMetrics"]
    ) {
      assert(seen.has(id), `${id} never worked`);
    }
    assertLess(await residentBytes(cluster) - before, GROWTH_BYTES_MAX);
    assert(cluster.node(0).process?.alive === true);
  }));
