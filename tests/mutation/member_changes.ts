/** Planted bugs of the changes of the membership that somebody asks for. */

import { type Mutation, slip } from "./mutation.ts";

const PLAN = "lib/node/membership/change_plan.ts";
const CHANGE = "lib/node/membership/member_change.ts";
const PROXY = "lib/http/member_proxy.ts";

/** In the order of their numbers. */
export const MEMBER_CHANGE_SLIPS: readonly Mutation[] = [
  slip("M490", "A learner is promoted that has not caught up", {
    file: PLAN,
    find: "if (!facts.caughtUp.has(id) || peer.matchIndex < facts.configurationIndex) {",
    replace: "if (peer.matchIndex < facts.configurationIndex) {",
  }),
  slip("M491", "A server is removed though those that answer are no majority of the voters that are left", {
    file: PLAN,
    find: 'lackOfQuorum(facts, { voters: wanted.voters, whose: "voters that would be left" });',
    replace: "undefined;",
  }),
  slip("M492", "A leader that is removed does not say that it is done", {
    file: CHANGE,
    find: "return leadsTo(configuration, change) && configuration.votersOld.length === 0 && index <= commitIndex;",
    replace:
      'return raft.role === "Leader" && leadsTo(configuration, change) && configuration.votersOld.length === 0 && index <= commitIndex;',
  }),
  slip("M493", "Of two servers that are added at once both get the same id", {
    file: PLAN,
    find: "members.some((member) => member.id === change.id && isAt(member, change));",
    replace: "members.some((member) => member.id === change.id);",
  }),
  slip("M494", "A new server may have the address of another", {
    file: PLAN,
    find: "addressesOf(member).includes(address));",
    replace: "addressesOf(member).includes(address) && member.id === id);",
  }),
  slip("M495", "The id of a server that was removed is given again", {
    file: PLAN,
    find: "  if (!isMember && isRetired(configuration, change.id)) return judgeRetired(change);\n",
    replace:
      '  if (!isMember && change.type === "Remove" && !isRetired(configuration, -1)) return judgeRetired(change);\n',
  }),
  slip("M522", "A server is added while the id of one that was removed is free", {
    file: PLAN,
    find: 'if (!keepsMemberLists(facts.status.configuration)) return cannotKeep(facts, "who was removed");',
    replace: "",
  }),
  slip("M496", "What holds already, or is under way, is asked for again", {
    file: PLAN,
    find: 'if (leadsTo(configuration, change)) return { type: "Plan", change, wanted: undefined };',
    replace: "if (configuration.members.length === 0) return judgeRetired(change);",
  }),
  slip("M497", "What the leader refuses is told as unknown by the node that asked it", {
    file: PROXY,
    find: "      return refusalOf(reply.body);",
    replace: "      refusalOf(reply.body);\n      return UNKNOWN;",
  }),
  {
    ...slip("M540", "A node is to be stopped for its move though the others need it", {
      file: "lib/cli/member_command.ts",
      find: "    voters.length - lost.length <= needed;",
      replace: "    voters.length - lost.length < needed;",
    }),
    tests: ["tests/unit/cli/member_command_test.ts"],
  },
  slip("M541", "A promotion that is asked for does not look how close the learner has kept", {
    file: CHANGE,
    find: "caughtUp: directory.caughtUp(status)",
    replace: "caughtUp: new Set([...directory.caughtUp(status), ...status.configuration.learners])",
  }),
  slip("M542", "A server that lags refuses those that came in the place of all that it knew", {
    file: "lib/node/membership/peer_directory.ts",
    find: "greeting.configurationIndex <= configurationIndex) return false;",
    replace: "greeting.configurationIndex <= configurationIndex + 1e9) return false;",
  }),
  slip("M543", "Who is ahead is judged by a configuration that may never be committed", {
    file: "lib/raft/log.ts",
    find: "return latestIndex <= commitIndex ? latestIndex : previousIndex;",
    replace: "return commitIndex >= 0 ? latestIndex : previousIndex;",
  }),
  slip("M544", "A server that joins and is ahead of the leader is never added", {
    file: "lib/node/membership/peer_directory.ts",
    find: "reachable && this.#ahead.get(id)?.joins === true",
    replace: "reachable && this.#ahead.get(id)?.joins === undefined",
  }),
  {
    ...slip("M579", "A change that the leader has not taken is told as begun", {
      file: CHANGE,
      find: "if (isDropped()) return monitor.health().hasSpace ? NOT_TAKEN : NO_ROOM;",
      replace: 'if (isDropped()) return monitor.health().hasSpace ? { type: "Unknown" } : NO_ROOM || NOT_TAKEN;',
    }),
    tests: ["tests/unit/node/member_change_test.ts"],
  },
  {
    ...slip("M580", "A change that was cut off from the log of an old leader is told as not begun", {
      file: CHANGE,
      find: "raft.configuration === before && leads();",
      replace: "raft.configuration === before && (leads() || !leads());",
    }),
    tests: ["tests/unit/node/member_change_test.ts"],
  },
  {
    ...slip("M581", "Of two voters one is to be stopped, and nobody is told that the cluster stands still", {
      file: "lib/cli/member_command.ts",
      find: "voter.reachable) && voters.length <= 2;",
      replace: "voter.reachable) && voters.length < 2;",
    }),
    tests: ["tests/unit/cli/member_command_test.ts"],
  },
  {
    ...slip("M582", "kvstore member remove --json does not say whether the removal is listed", {
      file: "lib/cli/member_command.ts",
      find: "return { id, listed, changes,",
      replace: "return { id, changes,",
    }),
    tests: ["tests/unit/cli/member_command_test.ts"],
  },
  {
    ...slip("M722", "A leader whose disk is full ends when it is to change the members", {
      file: "lib/node/driver.ts",
      find: "storage.reserve(bytes, 2);",
      replace: "storage.reserve(bytes, 2) || bytes > 0;",
    }),
    tests: ["tests/unit/node/full_disks_test.ts"],
  },
  {
    ...slip("M724", "What operators change of the members takes from what the leader may change by itself", {
      file: "lib/node/writes/own_entries.ts",
      find: "if (!this.#isConfiguring) continue;",
      replace: "",
    }),
    tests: ["tests/unit/node/own_entries_test.ts"],
  },
  {
    ...slip(
      "M828",
      "A node that began alone is warned of company when it was told of the others, and not when it was not",
      {
        file: "lib/node/start_node.ts",
        find: "if (join !== undefined || members.length > 1 || membersKnown <= 1) return;",
        replace: "if (join === undefined || members.length > 1 || membersKnown <= 1) return;",
      },
    ),
    tests: ["tests/unit/node/joining_test.ts"],
  },
];
