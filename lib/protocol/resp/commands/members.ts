/** KV.MEMBER: who belongs to the cluster, and the changes of that. */

import { unreachable } from "../../../base/assert.ts";
import { textToByteString } from "../../../base/bytes.ts";
import { byName, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import type { MemberChange, MemberChangeOutcome, MemberView } from "../../../node/api.ts";
import { CHANGE_UNKNOWN, describeUnsafe, NOT_A_MEMBER } from "../../../node/membership/change_texts.ts";
import { ADDITION_FORM, readAddition } from "../../../node/membership/member_addresses.ts";
import { NODE_ID_MAX } from "../../../raft/types.ts";
import type { RespContext } from "../context.ts";
import { notDone } from "../errors.ts";
import { answer, type Caller, type Plan, type ProtocolCommand, type ProtocolSubcommand, refuse } from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";

const MEMBER: GivenFacts = { access: "Look", group: "cluster", since: "7.0.0", isBeyondRedis: true, flags: ["stale"] };
const CHANGING: GivenFacts = { ...MEMBER, isAudited: true, access: "Server", flags: ["admin", "noscript", "stale"] };

/** The commands of this file. */
export const MEMBER_COMMANDS: readonly ProtocolCommand[] = [{
  ...row("KV.MEMBER <subcommand> [<argument> ...]", { ...MEMBER, flags: [], helpSince: "7.0.0" }),
  inTransaction: "Refused",
  summary: "Tells who belongs to the cluster, or changes it, by way of any node.",
  subcommands: byName<ProtocolSubcommand>([
    {
      ...subcommand("KV.MEMBER LIST", MEMBER),
      summary:
        "Returns of each member its id, its role, whether it is reached, and its addresses for clients and peers.",
      plan: (_words, { context: { node } }) => {
        const { raft: { leaderId } } = node.status();
        return answer(node.members().map((member) => memberRow(member, leaderId)));
      },
    },
    {
      ...subcommand("KV.MEMBER ADD <address>", CHANGING),
      summary: "Adds a server as a learner and returns its id; the address is [id=]host:port[@peerport].",
      plan: ([, , word = ""], caller) => {
        const change = readAddition(word);
        return change === undefined
          ? refuse(`ERR a member is ${ADDITION_FORM}`)
          : changePlan(caller, { change, show: ({ id }) => id });
      },
    },
    {
      ...subcommand("KV.MEMBER PROMOTE <id>", CHANGING),
      summary: "Gives a learner that has caught up a vote.",
      plan: (words, caller) => planById("Promote", { word: words[2], caller }),
    },
    {
      ...subcommand("KV.MEMBER DRAIN <id>", CHANGING),
      summary: "Lets a member hand over and not lead again, until it is undrained.",
      plan: (words, caller) => planById("Drain", { word: words[2], caller }),
    },
    {
      ...subcommand("KV.MEMBER UNDRAIN <id>", CHANGING),
      summary: "Lets a member lead again.",
      plan: (words, caller) => planById("Undrain", { word: words[2], caller }),
    },
    {
      ...subcommand("KV.MEMBER REMOVE <id>", CHANGING),
      summary: "Removes a server for good, also the leader.",
      plan: (words, caller) => planById("Remove", { word: words[2], caller }),
    },
  ]),
}];

const OK: RespReply = { status: "OK" };

function memberRow({ id, voter, reachable, clientAddress, peerAddress }: MemberView, leader: number | undefined) {
  const role = id === leader ? "leader" : voter ? "voter" : "learner";
  return [id, role, reachable ? 1 : 0, textToByteString(clientAddress), textToByteString(peerAddress)];
}

function planById(
  type: Exclude<MemberChange["type"], "Add">,
  { word = "", caller }: { readonly word: string | undefined; readonly caller: Caller },
): Plan {
  const id = /^[0-9]{1,10}$/.test(word) ? Number(word) : Infinity;
  return id > NODE_ID_MAX
    ? refuse("ERR the id of a member is a whole number")
    : changePlan(caller, { change: { type, id }, show: () => OK });
}

function changePlan(
  { context: { changeMember, node }, client: { login } }: Caller,
  { change, show }: {
    readonly change: MemberChange;
    readonly show: (done: { readonly id: number }) => RespReply;
  },
): Plan {
  const run = async () => {
    const outcome = await changeMember(change, login);
    return outcome.type === "Done" ? show(outcome) : refusal(outcome, node);
  };
  return { type: "Task", run };
}

function refusal(
  outcome: Exclude<MemberChangeOutcome, { readonly type: "Done" }>,
  node: RespContext["node"],
): RespReply {
  switch (outcome.type) {
    case "Unsafe":
      return { error: `UNSAFE ${textToByteString(describeUnsafe(outcome))}` };
    case "NotAMember":
      return { error: `NOMEMBER ${NOT_A_MEMBER}` };
    case "Unknown":
      return { error: `TIMEOUT outcome unknown. ${CHANGE_UNKNOWN}` };
    case "NotLeader":
      return notDone({ type: "NotDone", reason: "NoLeader", leaderId: undefined }, node);
    default:
      return unreachable(outcome);
  }
}
