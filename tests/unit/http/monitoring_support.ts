/** Calls a route of monitoring as the router would, without a server. */

import { assert } from "@std/assert";
import type { HttpReply } from "../../../lib/http/http.ts";
import type { HttpContext, Route } from "../../../lib/http/route.ts";
import type { KeyValueNode } from "../../../lib/node/api.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

/** A reply whose body is known whole. */
export interface WholeReply extends Omit<HttpReply, "body"> {
  readonly body: string;
}

/** Answers `GET path` with the parameters of `query`. */
export async function get(
  routes: readonly Route[],
  { node, path, query = {} }: {
    readonly node: KeyValueNode;
    readonly path: string;
    readonly query?: Readonly<Record<string, string>>;
  },
): Promise<WholeReply> {
  const route = routes.find((candidate) => candidate.path === path);
  assert(route !== undefined, path);
  const request = { method: "GET", path, query: "", headers: new Map(), body: "", remote: "127.0.0.1:1", id: "r1" };
  const context: Partial<HttpContext> = { node, clock: new VirtualClock(), log: () => {} };
  const reply = await route.handle({
    request,
    context: context as HttpContext,
    path: new Map(),
    query: new Map(Object.entries(query)),
  });
  const { body } = reply;
  assert(typeof body === "string");
  return { ...reply, body };
}
