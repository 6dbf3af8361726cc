/** Planted bugs of a forced recovery: what goes on as the old cluster, what is lost, and what a crash halves. */

import { type Mutation, slip } from "./mutation.ts";

const FORCE = "lib/node/recovery/force.ts";
const FORCE_TESTS: readonly string[] = ["tests/unit/node/recovery/force_test.ts"];
const PLAN = "lib/node/recovery/plan.ts";

/** In the order of their numbers. */
export const RECOVERY_SLIPS: readonly Mutation[] = [
  slip("M480", "A forced recovery keeps the id of the cluster, so that lost nodes can join it", {
    file: FORCE,
    find: "const clusterId = randomDigits(random, CLUSTER_ID_DIGITS);",
    replace: "const clusterId = randomDigits(random, CLUSTER_ID_DIGITS) && plan.clusterId;",
  }),
  {
    id: "M481",
    what: "A forced recovery raises the end of the log, but keys keep the revisions that clients remember",
    patches: [{
      file: "lib/kv/raised_blocks.ts",
      find: "raiseRevisions(block, by);",
      replace: "raiseRevisions(block, by * 0);",
    }],
    tests: FORCE_TESTS,
  },
  {
    id: "M482",
    what: "A forced recovery raises old keys by the step alone: into what the lost nodes may have handed out",
    patches: [{
      file: "lib/node/recovery/new_cluster.ts",
      find: "const raisedBy = last.index + revisionStep;",
      replace: "const raisedBy = revisionStep;",
    }],
    tests: FORCE_TESTS,
  },
  {
    id: "M483",
    what: "A start takes the id of the node file, not that of the snapshot that a recovery was interrupted behind",
    patches: [{
      file: "lib/storage/load.ts",
      find: "loaded.newest?.configuration.clusterId ?? hardState.clusterId;",
      replace: "hardState.clusterId ?? loaded.newest?.configuration.clusterId;",
    }],
    tests: ["tests/crash/force_test.ts"],
  },
  {
    id: "M484",
    what: "The copy of the old data is not durable when the new takes its place",
    patches: [{
      file: "lib/storage/kept_copy.ts",
      find: "await target.syncData();",
      replace: "await Promise.resolve();",
    }],
    tests: ["tests/crash/force_test.ts"],
  },
  slip("M485", "A forced recovery goes on from the newest snapshot alone: the log behind it is lost", {
    file: FORCE,
    find: "for (const run of storage.recovered.runs) applyRun(state, run);",
    replace: "for (const run of storage.recovered.runs.slice(0, 0)) applyRun(state, run);",
  }),
  slip("M486", "A wiped directory under the id of a voter counts as that voter's: a minority is taken for a majority", {
    file: "lib/node/recovery/survey.ts",
    find: 'return member.identity === "" || member.identity === inspection.ownership?.identity;',
    replace: "return member.identity !== undefined;",
  }),
  {
    id: "M487",
    what: "Members that a recovery names are voters from the start, and can elect one another without the data",
    patches: [{
      file: PLAN,
      find: "voters: [nodeId],",
      replace: "voters: [nodeId, ...others.map(({ id }) => id)].sort((left, right) => left - right),",
    }],
    tests: FORCE_TESTS,
  },
  {
    id: "M488",
    what: "Ids of lost members are given to new nodes, which then meet the lost ones under the same id",
    patches: [{
      file: PLAN,
      find: "const retired = retire(configuration.retired ?? [], lost);",
      replace: "const retired = retire(configuration.retired ?? [], lost.slice(0, 0));",
    }],
    tests: FORCE_TESTS,
  },
];
