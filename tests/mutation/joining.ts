/** Planted bugs of servers that join a cluster and leave it. */

import { type Mutation, slip } from "./mutation.ts";

const KEEPER = "lib/node/membership/membership_keeper.ts";
const DIRECTORY = "lib/node/membership/peer_directory.ts";
const CATCH_UP = "lib/node/membership/catch_up.ts";
const HANDSHAKE = "lib/transport/handshake.ts";

/** In the order of their numbers. */
export const JOINING_SLIPS: readonly Mutation[] = [
  slip("M500", "A server joins without the name of its directory", {
    file: KEEPER,
    find: 'greeting === undefined || greeting.identity === "" || isRetired(configuration, id)',
    replace: "greeting === undefined || isRetired(configuration, id)",
  }),
  slip("M501", "A learner is promoted on a greeting of its directory of before", {
    file: KEEPER,
    find: "greeting?.rejoin === true && greeting.identity === identity &&",
    replace: "greeting?.rejoin === true && identity.length >= 0 &&",
  }),
  slip("M502", "Who joins under a member's id takes its place", {
    file: KEEPER,
    find: "!greeting.rejoin || greeting.joins === true || member.id === self",
    replace: "!greeting.rejoin || member.id === self",
  }),
  slip("M503", "A server is told that it was removed before that is committed", {
    file: DIRECTORY,
    find: "if (isRetired(this.#committed, nodeId))",
    replace: "if (isRetired(configuration, nodeId))",
  }),
  {
    id: "M504",
    what: "The next change forgets who was removed",
    patches: [{
      file: "lib/raft/membership.ts",
      find: "return left.length === 0 ? retired : retire(retired, left);",
      replace: "return retire([], left);",
    }],
    tests: ["tests/unit/raft/retired_test.ts"],
  },
  slip("M505", "A learner that does not answer counts as caught up", {
    file: CATCH_UP,
    find: "silentTicks * TICK_MS <= CAUGHT_UP_LAG_MS",
    replace: "silentTicks * TICK_MS >= 0",
  }),
  slip("M506", "A learner that fell behind meanwhile counts as one that kept close", {
    file: CATCH_UP,
    find: "this.#closeSince = close;",
    replace: "for (const [id, since] of close) this.#closeSince.set(id, since);",
  }),
  slip("M507", "What an earlier leadership saw of a learner counts", {
    file: CATCH_UP,
    find: 'if (role !== "Leader" || currentTerm !== this.#term) {',
    replace: "if (currentTerm < this.#term) {",
  }),
  slip("M508", "The address of a member is taken from who claims its id", {
    file: DIRECTORY,
    find: "(!rejoin || (joins && isKnown))",
    replace: "(!rejoin || (joins && isKnown && nodeId < 0))",
  }),
  slip("M509", "An id that was promised to a directory is promised to another one", {
    file: DIRECTORY,
    find: "this.#promised.set(identity, id);",
    replace: "void identity;",
  }),
  {
    id: "M510",
    what: "Whoever answers can tell a node that it was removed",
    patches: [{
      file: HANDSHAKE,
      find: "(mine) => sameProof(proveAcceptor({ secret: mine, ...answered }), proof)",
      replace:
        '(mine) => sameProof(proveAcceptor({ secret: mine, ...answered }), proof) || acceptorSaid.includes("removed")',
    }],
    tests: ["tests/unit/transport/seeds_test.ts"],
  },
  {
    id: "M511",
    what: "A removed server starts again",
    patches: [{
      file: "lib/storage/open.ts",
      find: "if (disk.exists(`${directory}/${REMOVED_NAME}`)) throw",
      replace: "if (disk.exists(`${directory}/${REMOVED_NAME}.`)) throw",
    }],
    tests: ["tests/unit/node/joining_test.ts"],
  },
  {
    id: "M521",
    what: "A node without data marks its directory where it asks a cluster in which its id was removed",
    patches: [{
      file: "lib/node/shutdown.ts",
      find: "if (isOwn) await storage.markRemoved();",
      replace: "await storage.markRemoved();",
    }],
    tests: ["tests/unit/node/joining_test.ts"],
  },
  slip("M512", "One that is to stay a learner becomes a voter", {
    file: KEEPER,
    find: "greeting.identity === identity && greeting.staysLearner !== true",
    replace: "greeting.identity === identity",
  }),
  {
    id: "M513",
    what: "A server is added under an id that was removed",
    patches: [{
      file: "lib/raft/membership.ts",
      find: "const gone = members.find(({ id }) => isRetired(current, id));",
      replace: "const gone = members.find(({ id }) => id < 0 && isRetired(current, id));",
    }],
    tests: ["tests/unit/raft/retired_test.ts"],
  },
  slip("M515", "A drained server campaigns like any other", {
    file: "lib/raft/drained.ts",
    find: "return election.timeoutsLeft > 0;",
    replace: "return election.timeoutsLeft > DRAINED_TIMEOUTS;",
  }),
  slip("M516", "A drained leader stays", {
    file: "lib/raft/drained.ts",
    find: "successor === undefined || isDrained(configuration, successor.id)",
    replace: "successor === undefined || isDrained(configuration, core.id)",
  }),
  slip("M517", "A drained server never campaigns", {
    file: "lib/raft/drained.ts",
    find: "return election.timeoutsLeft > 0;",
    replace: "return election.timeoutsLeft > -1_000_000;",
  }),
  slip("M518", "The next change of the members ends all drains", {
    file: "lib/raft/membership.ts",
    find: "const { drained: wanted = core.log.configuration.drained ?? [], ...rest } = configuration;",
    replace: "const { drained: wanted = [], ...rest } = configuration;",
  }),
  slip("M519", "Removed servers are listed before all members can keep the list", {
    file: "lib/raft/retired.ts",
    find: "return level >= MEMBER_LISTS_LEVEL;",
    replace: "return level >= 0;",
  }),
  slip("M520", "Who was named by the operator and is no member cannot join at a member", {
    file: DIRECTORY,
    find: "return (members.length > 0 ? members : [...named, ...this.#told]).some((member) => member.id === id);",
    replace: "return [...members, ...named, ...this.#told].some((member) => member.id === id);",
  }),
  {
    id: "M556",
    what: "The removal with which the list begins is not in it",
    patches: [{
      file: "lib/raft/membership.ts",
      find: "if (!keepsMemberLists(current) && !keepsMemberLists(next)) return retired;",
      replace: "if (!keepsMemberLists(current) || !keepsMemberLists(next)) return retired;",
    }],
    tests: ["tests/unit/raft/retired_test.ts"],
  },
  {
    id: "M557",
    what: "A server that is removed and cannot what its removal switches on is not looked at",
    patches: [{
      file: DIRECTORY,
      find: "return greetings.has(id) || left.some((member) => member.id === id);",
      replace: "return left.some((member) => member.id === id);",
    }],
    tests: ["tests/unit/node/peer_directory_test.ts"],
  },
  slip("M558", "A removal raises the level in spite of a member with an older program", {
    file: "lib/node/membership/change_plan.ts",
    find: "if (keepsMemberLists(facts.status.configuration) || isOneTooOld(facts)) return {};",
    replace: "if (keepsMemberLists(facts.status.configuration)) return {};",
  }),
  {
    ...slip("M576", "A node is let go by the word of one that may lag behind", {
      file: "lib/cluster/probe.ts",
      find: "voters.filter((id) => lists.has(id)).length * 2 > voters.length;",
      replace: "voters.filter((id) => lists.has(id)).length > 0;",
    }),
    tests: ["tests/unit/cluster/text_connection_test.ts"],
  },
  {
    ...slip("M577", "A node that never finds a cluster to join is started again for ever", {
      file: "lib/cluster/supervisor.ts",
      find: "lived >= SETTLED_MS && end.code !== NOT_JOINED_EXIT_CODE;",
      replace: "lived >= SETTLED_MS && end.code !== NOT_JOINED_EXIT_CODE + 250;",
    }),
    tests: ["tests/unit/cluster/supervisor_test.ts"],
  },
  {
    ...slip("M578", "A node that was stopped or killed before it had joined keeps its place", {
      file: "lib/cluster/launcher.ts",
      find: "const isGone = (id: NodeId) => !this.#isAlive(this.#supervisors.get(id));",
      replace: 'const isGone = (id: NodeId) => this.#supervisors.get(id)?.state === "GaveUp";',
    }),
    tests: ["tests/unit/cluster/launcher_adding_test.ts"],
  },
  {
    ...slip(
      "M721",
      "A server with an empty directory begins a cluster beside one that it heard of from who asked it who is there",
      {
        file: "lib/node/peer_events.ts",
        find: "    this.#hearOfCluster(greeting);\n    return",
        replace: "    return",
      },
    ),
    tests: ["tests/unit/node/wiped_majority_test.ts"],
  },
];
