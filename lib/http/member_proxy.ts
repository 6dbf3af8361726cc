/** Changes of the membership for those who are connected to any node by another protocol: the leader is asked over HTTP. */

import { byteStringToText, textToByteString } from "../base/bytes.ts";
import { describeMissing } from "../kv/describe.ts";
import type { MemberChange, MemberChangeOutcome, NodeAdministrator } from "../node/api.ts";
import { LEADER_TOO_OLD } from "../node/membership/change_texts.ts";
import { type Asker, requestLeader } from "./leader_proxy.ts";

const UNSAFE_PREFIX = "Nothing was begun: ";
const UNKNOWN: MemberChangeOutcome = { type: "Unknown" };
const GONE: MemberChangeOutcome = {
  type: "Unsafe",
  reason: "authentication required: the user who asks was removed, or has another password",
  passing: false,
};

const FORBIDDEN: MemberChangeOutcome = {
  type: "Unsafe",
  reason: `${describeMissing({ right: "admin", prefix: undefined })}: whoever asks is no administrator`,
  passing: false,
};

/** Who asks for a change: a node, for somebody who is logged in, if anybody has to. */
export type MemberAsker = Asker & {
  readonly node: Pick<NodeAdministrator, "changeMember">;
};

/** As `NodeAdministrator.changeMember`, but on any node: `NotLeader` says that no leader could be asked. Never rejects. */
export async function changeMemberAnywhere(asker: MemberAsker, change: MemberChange): Promise<MemberChangeOutcome> {
  if (!await asker.gate.confirms(asker.login)) return GONE;
  if (!asker.gate.isAdmin(asker.login)) return FORBIDDEN;
  const outcome = await asker.node.changeMember(change);
  if (outcome.type !== "NotLeader") return outcome;
  const reply = await requestLeader(asker, { ...requestOf(change), id: `member-change-of-node-${asker.node.id}` });
  if (typeof reply === "string") return reply === "Unknown" ? UNKNOWN : outcome;
  switch (reply.status) {
    case 200:
      return doneOf(reply.body, change);
    case 401:
      return GONE;
    case 403:
      return FORBIDDEN;
    case 404:
      return { type: "NotAMember" };
    case 405:
      return { type: "Unsafe", reason: LEADER_TOO_OLD, passing: false };
    case 409:
      return refusalOf(reply.body);
    case 503:
      return outcome;
    default:
      return UNKNOWN;
  }
}

function requestOf(change: MemberChange): { readonly method: string; readonly path: string; readonly body: string } {
  const path = "/v1/cluster/members";
  if (change.type === "Remove") return { method: "DELETE", path: `${path}/${change.id}`, body: "" };
  if (change.type !== "Add") {
    return { method: "POST", path: `${path}/${change.id}/${change.type.toLowerCase()}`, body: "" };
  }
  const { id, peerAddress, clientAddress, httpAddress } = change;
  const body = {
    ...(id === undefined ? {} : { id }),
    "peer_address": peerAddress,
    "client_address": clientAddress,
    ...(httpAddress === undefined ? {} : { "http_address": httpAddress }),
  };
  return { method: "POST", path, body: textToByteString(JSON.stringify(body)) };
}

/** Programs of before say the members alone, and knew removals alone. */
function doneOf(body: string, change: MemberChange): MemberChangeOutcome {
  const { id, members } = fieldsOf(body);
  if (typeof id === "number") return { type: "Done", id };
  return change.type === "Remove" && Array.isArray(members) ? { type: "Done", id: change.id } : UNKNOWN;
}

function refusalOf(body: string): MemberChangeOutcome {
  const { detail, passing } = fieldsOf(body);
  if (typeof detail !== "string") return UNKNOWN;
  return { type: "Unsafe", reason: detail.replace(UNSAFE_PREFIX, ""), passing: passing === true };
}

/** What cannot be read is of no node of this version: nothing is known of the outcome then. */
function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(byteStringToText(body) ?? "");
    return typeof value === "object" && value !== null ? value as Readonly<Record<string, unknown>> : {};
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}
