/** `/v1/cluster/members`: who belongs to the cluster, and the changes of that. */

import { textToByteString } from "../../base/bytes.ts";
import type { MemberChange, MemberChangeOutcome } from "../../node/api.ts";
import { CHANGE_UNKNOWN, describeUnsafe, LEADER_TOO_OLD, NOT_A_MEMBER } from "../../node/membership/change_texts.ts";
import { addressFlaw } from "../../node/membership/member_addresses.ts";
import { isRetired } from "../../raft/retired.ts";
import { NODE_ID_MAX } from "../../raft/types.ts";
import type { HttpReply } from "../http.ts";
import { JsonValue } from "../json_body.ts";
import { JSON_TYPE, jsonReply } from "../json_reply.ts";
import { askLeader } from "../leader_proxy.ts";
import { memberJson, MEMBERS_SCHEMA } from "../member_json.ts";
import { readCount } from "../parameters.ts";
import { badRequest, problem, PROBLEM_TYPE } from "../problem.ts";
import { REDIRECT } from "../redirect.ts";
import type { JsonSchema, ResponseDescription, Route, RouteCall } from "../route.ts";

const OK = 200;
const METHOD_NOT_ALLOWED = 405;
/** Three of the longest addresses and their names. */
const BODY_BYTES_MAX = 1_024;
const ADDRESS_SCHEMA: JsonSchema = { type: "string", pattern: "^\\S+:[0-9]{1,5}$" };

const DONE: ResponseDescription = {
  description: "The configuration with the change is committed: the member's id, and who belongs to the cluster now.",
  contentType: JSON_TYPE,
  schema: {
    type: "object",
    properties: { id: { type: "integer" }, members: MEMBERS_SCHEMA },
    required: ["id", "members"],
  },
};
const REMOVED: ResponseDescription = {
  ...DONE,
  description: `${DONE.description} \`listed\`: whether the cluster keeps in mind that it was removed.`,
  schema: {
    type: "object",
    properties: { id: { type: "integer" }, listed: { type: "boolean" }, members: MEMBERS_SCHEMA },
    required: ["id", "listed", "members"],
  },
};
const REFUSED: Readonly<Record<number, ResponseDescription>> = {
  409: {
    description: "`unsafe_membership_change`: not begun; `detail` says why and what to do, `passing` whether it may " +
      "be done in a moment.",
    contentType: PROBLEM_TYPE,
  },
  504: {
    description: "`outcome_unknown`: begun, and not known to be committed: ask again.",
    contentType: PROBLEM_TYPE,
  },
};
const NOT_FOUND: Readonly<Record<number, ResponseDescription>> = {
  404: { description: "`not_a_member`", contentType: PROBLEM_TYPE },
};

/** The operations, for the table of routes. */
export const MEMBER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/cluster/members",
    id: "listMembers",
    isForUsers: true,
    tag: "Cluster",
    summary: "The servers of the configuration in force, and what this node knows of each.",
    query: [],
    headers: [],
    responses: {
      [OK]: {
        description: "In the order of their numbers.",
        contentType: JSON_TYPE,
        schema: { type: "object", properties: { members: MEMBERS_SCHEMA }, required: ["members"] },
      },
    },
    handle: ({ context: { node } }) => jsonReply({ members: node.members().map(memberJson) }),
  },
  {
    method: "POST",
    path: "/v1/cluster/members",
    id: "addMember",
    tag: "Cluster",
    summary: "Adds a server as a learner, which a node fills that is started later with that id.",
    query: [REDIRECT],
    headers: [],
    body: {
      description: "Where the new node will listen; without an id it gets the lowest that no server has.",
      contentType: JSON_TYPE,
      schema: {
        type: "object",
        properties: {
          id: { type: "integer", minimum: 0, maximum: NODE_ID_MAX },
          peer_address: ADDRESS_SCHEMA,
          client_address: ADDRESS_SCHEMA,
          http_address: ADDRESS_SCHEMA,
        },
        required: ["peer_address", "client_address"],
        additionalProperties: false,
      },
      bytesMax: () => BODY_BYTES_MAX,
    },
    responses: { [OK]: DONE, ...REFUSED },
    handle: addMember,
  },
  {
    method: "POST",
    path: "/v1/cluster/members/{id}/promote",
    id: "promoteMember",
    tag: "Cluster",
    summary: "Makes a learner that has caught up a voter.",
    query: [REDIRECT],
    headers: [],
    responses: { [OK]: DONE, ...REFUSED, ...NOT_FOUND },
    handle: (call) => changeById(call, "Promote"),
  },
  {
    method: "POST",
    path: "/v1/cluster/members/{id}/drain",
    id: "drainMember",
    tag: "Cluster",
    summary: "The server hands over if it leads, is not chosen to lead again, and is not ready, until it is undrained.",
    query: [REDIRECT],
    headers: [],
    responses: { [OK]: DONE, ...REFUSED, ...NOT_FOUND },
    handle: (call) => changeById(call, "Drain"),
  },
  {
    method: "POST",
    path: "/v1/cluster/members/{id}/undrain",
    id: "undrainMember",
    tag: "Cluster",
    summary: "The server may lead again.",
    query: [REDIRECT],
    headers: [],
    responses: { [OK]: DONE, ...REFUSED, ...NOT_FOUND },
    handle: (call) => changeById(call, "Undrain"),
  },
  {
    method: "DELETE",
    path: "/v1/cluster/members/{id}",
    id: "removeMember",
    tag: "Cluster",
    summary:
      "Removes a server from the cluster, one at a time, if the others can go on. It cannot come back under its number.",
    query: [REDIRECT],
    headers: [],
    responses: { [OK]: REMOVED, ...REFUSED, ...NOT_FOUND },
    handle: (call) => changeById(call, "Remove"),
  },
];

async function addMember(call: RouteCall): Promise<HttpReply> {
  const root = JsonValue.read(call.request.body);
  root.only(["id", "peer_address", "client_address", "http_address"]);
  const id = root.optional("id")?.integer({ least: 0, most: NODE_ID_MAX });
  const httpAddress = root.optional("http_address")?.text();
  const addresses = {
    peerAddress: root.field("peer_address").text(),
    clientAddress: root.field("client_address").text(),
    ...(httpAddress === undefined ? {} : { httpAddress }),
  };
  const flaw = root.complaint ?? addressFlaw(addresses);
  if (flaw !== undefined) return badRequest(flaw, "invalid_body");
  return await change(call, { type: "Add", ...(id === undefined ? {} : { id }), ...addresses });
}

async function changeById(call: RouteCall, type: "Promote" | "Drain" | "Undrain" | "Remove"): Promise<HttpReply> {
  const id = readCount(call.path.get("id") ?? "");
  return id === undefined || id > NODE_ID_MAX ? NO_MEMBER : await change(call, { type, id });
}

const NO_MEMBER = problem({ status: 404, code: "not_a_member", detail: NOT_A_MEMBER });

async function change(call: RouteCall, wanted: MemberChange): Promise<HttpReply> {
  const { node } = call.context;
  const outcome = await node.changeMember(wanted);
  switch (outcome.type) {
    case "Done":
      return jsonReply({
        id: outcome.id,
        ...(wanted.type === "Remove" ? { listed: isRetired(node.status().raft.configuration, wanted.id) } : {}),
        members: node.members().map(memberJson),
      });
    case "NotLeader":
      return readable(await askLeader(call));
    case "NotAMember":
      return NO_MEMBER;
    case "Unsafe":
      return refused(outcome);
    default:
      return problem({ status: 504, code: "outcome_unknown", detail: CHANGE_UNKNOWN });
  }
}

function refused(outcome: Extract<MemberChangeOutcome, { readonly reason: string }>): HttpReply {
  return problem({
    status: 409,
    code: "unsafe_membership_change",
    detail: textToByteString(describeUnsafe(outcome)),
    more: { passing: outcome.passing },
  });
}

/** The leader's reply; one that knows no such operation is of an older version. */
function readable(reply: HttpReply): HttpReply {
  if (reply.status !== METHOD_NOT_ALLOWED) return reply;
  return refused({ type: "Unsafe", reason: LEADER_TOO_OLD, passing: false });
}
