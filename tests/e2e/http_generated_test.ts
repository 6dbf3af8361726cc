/** Thousands of requests made from the OpenAPI document against a real node: nothing but what is documented comes back. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { withCluster } from "../support/process_cluster.ts";
import { expectedStatuses } from "../support/expected_statuses.ts";
import { bodyComplaint, replyComplaint } from "../support/openapi_replies.ts";
import { type MadeRequest, makeRequest, operationsOf } from "../support/request_maker.ts";
import { residentBytes } from "../support/process_usage.ts";

const REQUESTS = 5_000;
const SEED = 20_250_607;
const AT_ONCE = 8;
const GROWTH_BYTES_MAX = 200 * 1024 * 1024;
/** Each of these is got: else it would not be known where they belong. */
const STATUSES: readonly number[] = [200, 201, 204, 400, 403, 404, 405, 409, 410, 412, 413];

type Json = Readonly<Record<string, unknown>>;

const JSON_TYPES: readonly string[] = ["application/json", "application/problem+json"];

function complaintOf(document: Json, made: MadeRequest, response: Response): string | undefined {
  const { operation, method } = made;
  const { status } = response;
  const expected = expectedStatuses(document, made);
  if (!expected.has(status)) return `${status} and not ${[...expected].join(" or ")}`;
  for (const name of ["x-kv-node", "x-kv-term", "x-request-id"]) {
    if (!response.headers.has(name)) return `${status} without ${name}`;
  }
  if (operation.statuses.size === 0) return undefined;
  const contentType = response.headers.get("content-type") ?? undefined;
  return replyComplaint(document, { method, template: operation.path, status, contentType });
}

/** Sends a request, reads its reply, and checks both against the document. */
async function check(
  { base, document }: { readonly base: string; readonly document: Json },
  request: MadeRequest,
): Promise<number> {
  const { method, target, headers, body, operation } = request;
  const shown = `${method} ${target} ${JSON.stringify(headers)} ${
    body === undefined ? "" : new TextDecoder().decode(body)
  }`;
  const response = await fetch(base + target, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  const { status } = response;
  const contentType = response.headers.get("content-type") ?? "";
  const isStream = contentType.startsWith("text/event-stream");
  if (isStream) await response.body?.cancel();
  const text = isStream ? "" : await response.text();
  assertEquals(complaintOf(document, request, response), undefined, `${shown} -> ${text}`);
  if (method === "HEAD" || !JSON_TYPES.includes(contentType)) return status;
  const json = JSON.parse(text);
  if (contentType === "application/problem+json") assertEquals(json.status, status, shown);
  if (operation.statuses.size === 0) return status;
  const reply = { method, template: operation.path, status, contentType };
  assertEquals(bodyComplaint(document, reply, json), undefined, shown);
  return status;
}

Deno.test("5 000 generated requests get documented answers and leave the memory bounded", () =>
  withCluster({ nodes: 1, flags: ["--request-timeout-ms", "60000"] }, async (cluster) => {
    const base = `http://127.0.0.1:${cluster.node(0).httpPort}`;
    const document = await (await fetch(`${base}/openapi.json`)).json();
    // With a user nothing but 401 would follow.
    const operations = operationsOf(document).filter(({ path }) => !path.startsWith("/v1/users/"));
    const random = new Random(SEED);
    const before = residentBytes(cluster.node(0).process?.pid ?? 0);
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
    assertEquals(STATUSES.filter((status) => !statuses.has(status)), [], JSON.stringify([...statuses]));
    for (
      const id of ["getKey", "putKey", "deleteKey", "scanKeys", "transact", "openSession", "watchEvents", "getMetrics"]
    ) {
      assert(seen.has(id), `${id} never worked`);
    }
    assertLess(residentBytes(cluster.node(0).process?.pid ?? 0) - before, GROWTH_BYTES_MAX);
    assert(cluster.node(0).process?.alive === true);
  }));
