/** `?redirect`: sends a client to the leader instead of passing its request on. */

import type { HttpReply } from "./http.ts";
import { notDone } from "./problem.ts";
import type { Parameter, RouteCall } from "./route.ts";

const TEMPORARY_REDIRECT = 307;

/** The parameter, for routes that take it. */
export const REDIRECT: Parameter = {
  name: "redirect",
  description: "A node that does not lead answers 307 with the leader's address, instead of passing the request on.",
  schema: { type: "string" },
};

/** The reply of a node that does not lead; undefined where the request is to be answered here. */
export function redirect({ context: { node, https }, request }: RouteCall): HttpReply | undefined {
  const { raft: { role, leaderId } } = node.status();
  if (role === "Leader") return undefined;
  const address = node.members().find((member) => member.id === leaderId)?.httpAddress ?? "";
  if (address === "") return notDone({ reason: "NoLeader" });
  const location = `${https === undefined ? "http" : "https"}://${address}${request.path}?${request.query}`;
  return { status: TEMPORARY_REDIRECT, headers: [["Location", location], ["Cache-Control", "no-store"]], body: "" };
}
