/** `/v1/cluster`: who leads, and the end of the log. */

import { unreachable } from "../../base/assert.ts";
import type { MemberView, TransferRefusal } from "../../node/api.ts";
import type { HttpReply } from "../http.ts";
import { JsonValue } from "../json_body.ts";
import { JSON_TYPE, jsonReply } from "../json_reply.ts";
import { askLeader } from "../leader_proxy.ts";
import { memberJson, MEMBERS_SCHEMA } from "../member_json.ts";
import { readCount } from "../parameters.ts";
import { badRequest, type Problem, problem, PROBLEM_TYPE } from "../problem.ts";
import { NODE_ID_MAX } from "../../raft/types.ts";
import { REDIRECT } from "../redirect.ts";
import type { Route, RouteCall } from "../route.ts";

/** Lines of the log that are shown at most, and when the client does not say. */
export const LOG_LINES = { most: 1_000, otherwise: 20 } as const;

const OK = 200;
const BODY_BYTES_MAX = 1_024;

/** The operations, for the table of routes. */
export const CLUSTER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/cluster",
    id: "getCluster",
    isForUsers: true,
    tag: "Cluster",
    summary: "The cluster as this node sees it.",
    query: [],
    headers: [],
    responses: {
      [OK]: {
        description: "Leader, term, quorum and members.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: {
            node: { type: "integer" },
            role: { type: "string" },
            leader: { type: ["integer", "null"] },
            term: { type: "integer" },
            commit_index: { type: "integer" },
            applied_index: { type: "integer" },
            quorum: {
              type: "object",
              properties: { reachable: { type: "integer" }, total: { type: "integer" }, needed: { type: "integer" } },
            },
            level: { type: "integer", description: "The version of the protocol between nodes that is on." },
            members: MEMBERS_SCHEMA,
          },
          required: ["node", "role", "leader", "term", "quorum", "level", "members"],
        },
      },
    },
    handle: getCluster,
  },
  {
    method: "POST",
    path: "/v1/cluster/leader",
    id: "transferLeadership",
    tag: "Cluster",
    summary: "Lets another node lead. Any node takes the request.",
    query: [REDIRECT],
    headers: [],
    body: {
      description: "The node that shall lead; without one the best prepared.",
      contentType: JSON_TYPE,
      schema: {
        type: "object",
        properties: { node: { type: "integer", minimum: 0, maximum: NODE_ID_MAX } },
        additionalProperties: false,
      },
      bytesMax: () => BODY_BYTES_MAX,
    },
    responses: {
      [OK]: {
        description: "That node leads.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: { leader: { type: "integer" }, term: { type: "integer" } },
          required: ["leader", "term"],
        },
      },
      409: {
        description:
          "`not_a_member`, `not_a_voter`, `drained`, `not_reachable`, `not_caught_up`, `no_other_voter`: that node cannot " +
          "lead; `detail` says what to do. Nothing was begun.",
        contentType: PROBLEM_TYPE,
      },
      504: {
        description: "`not_transferred`: given up, nothing is lost; `outcome_unknown`: the leader did not answer.",
        contentType: PROBLEM_TYPE,
      },
    },
    handle: postLeader,
  },
  {
    method: "GET",
    path: "/v1/cluster/log",
    id: "getLogTail",
    tag: "Cluster",
    summary: "The last entries of this node's log, for people.",
    query: [{
      name: "count",
      description: "Entries at most.",
      schema: { type: "integer", minimum: 1, maximum: LOG_LINES.most, default: LOG_LINES.otherwise },
    }],
    headers: [],
    responses: {
      [OK]: {
        description: "Oldest first. The form of `text` may change.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: {
            entries: {
              type: "array",
              items: {
                type: "object",
                properties: { index: { type: "integer" }, term: { type: "integer" }, text: { type: "string" } },
              },
            },
          },
          required: ["entries"],
        },
      },
    },
    handle: getLogTail,
  },
];

function getCluster({ context: { node } }: RouteCall): HttpReply {
  const { raft: { role, leaderId, currentTerm, commitIndex }, lastApplied, quorum, level } = node.status();
  return jsonReply({
    node: node.id,
    role,
    leader: leaderId ?? null,
    term: currentTerm,
    commit_index: commitIndex,
    applied_index: lastApplied,
    quorum,
    level,
    members: node.members().map(memberJson),
  });
}

function getLogTail({ context: { node }, query }: RouteCall): HttpReply {
  const count = readCount(query.get("count") ?? String(LOG_LINES.otherwise));
  if (count === undefined || count < 1 || count > LOG_LINES.most) {
    return badRequest(`count must be a number from 1 to ${LOG_LINES.most}`);
  }
  return jsonReply({ entries: node.logTail(count).map(({ id: { index, term }, text }) => ({ index, term, text })) });
}

async function postLeader(call: RouteCall): Promise<HttpReply> {
  const { context: { node }, request } = call;
  const root = JsonValue.read(request.body === "" ? "{}" : request.body);
  root.only(["node"]);
  const target = root.optional("node")?.integer({ least: 0, most: NODE_ID_MAX });
  if (root.complaint !== undefined) return badRequest(root.complaint, "invalid_body");
  const outcome = await node.transferLeadership(target);
  switch (outcome.type) {
    case "Done":
      return jsonReply({ leader: outcome.leaderId, term: outcome.term });
    case "NotLeader":
      return await askLeader(call);
    case "Failed":
      return problem({
        status: 504,
        code: "not_transferred",
        detail:
          "The node did not take the leadership in time; nothing is lost, and the transfer is given up: try again",
      });
    default:
      return problem({ status: 409, ...whyNoLeader(outcome, { target, members: node.members() }) });
  }
}

/** Why that node cannot lead, and what to do. */
function whyNoLeader(
  outcome: TransferRefusal,
  { target, members }: { readonly target: number | undefined; readonly members: readonly MemberView[] },
): Pick<Problem, "code" | "detail"> {
  switch (outcome.type) {
    case "NotAMember": {
      const ids = members.map(({ id }) => id).join(", ");
      return { code: "not_a_member", detail: `There is no node ${target}; the members are ${ids}` };
    }
    case "NotAVoter":
      return {
        code: "not_a_voter",
        detail: `Node ${target} is a learner, which cannot lead; kvstore member promote ${target}`,
      };
    case "Drained":
      return {
        code: "drained",
        detail: `Node ${target} is drained, so it is not to lead; kvstore member undrain ${target}`,
      };
    case "NotReachable": {
      const detail = `The leader cannot reach node ${target}; start it or mend its connections first`;
      return { code: "not_reachable", detail };
    }
    case "NotCaughtUp": {
      const behind = outcome.lag === undefined ? "an unknown number of" : outcome.lag;
      const detail = `Node ${target} is ${behind} entries behind; wait until it has caught up, CLUSTER shows its lag`;
      return { code: "not_caught_up", detail };
    }
    case "NoOther":
      return { code: "no_other_voter", detail: "There is no other voter; add a node to the cluster first" };
    default:
      return unreachable(outcome);
  }
}
