/** Members of the cluster in JSON, alike wherever they are shown. */

import type { MemberView } from "../node/api.ts";
import type { JsonSchema } from "./route.ts";

/** What is known of one server; null for what is not. */
export function memberJson(member: MemberView): Readonly<Record<string, unknown>> {
  return {
    id: member.id,
    client_address: member.clientAddress,
    peer_address: member.peerAddress,
    http_address: member.httpAddress,
    voter: member.voter,
    drained: member.drained,
    reachable: member.reachable,
    quarantined: member.quarantined,
    role: member.role ?? null,
    term: member.term ?? null,
    match_index: member.matchIndex ?? null,
    lag: member.lag ?? null,
    protocol: member.versions ?? null,
    last_contact_ms: member.lastContactMs === undefined ? null : Math.round(member.lastContactMs),
  };
}

const MEMBER_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    id: { type: "integer", minimum: 0 },
    client_address: { type: "string" },
    peer_address: { type: "string" },
    http_address: { type: "string" },
    voter: { type: "boolean" },
    drained: { type: "boolean", description: "It is not to lead." },
    reachable: { type: "boolean" },
    quarantined: {
      type: "boolean",
      description: "Its state is not sound, as it told last: it serves nothing, and waits for a snapshot.",
    },
    role: { type: ["string", "null"] },
    term: { type: ["integer", "null"] },
    match_index: { type: ["integer", "null"], description: "Last entry known to be durable there." },
    lag: { type: ["integer", "null"], description: "Entries behind the newest commit index known here." },
    protocol: {
      type: ["object", "null"],
      properties: { oldest: { type: "integer" }, newest: { type: "integer" } },
      description: "Versions of the protocol between nodes that it spoke when it was connected last.",
    },
    last_contact_ms: { type: ["integer", "null"] },
  },
  required: ["id", "client_address", "peer_address", "http_address", "voter", "reachable"],
};

/** The schema of a list of `memberJson`. */
export const MEMBERS_SCHEMA: JsonSchema = { type: "array", items: MEMBER_SCHEMA };
