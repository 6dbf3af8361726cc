/** Planted bugs of hand-overs that somebody asks for, of rolling restarts, and of nodes that a launcher adds. */

import { type Mutation, slip } from "./mutation.ts";

const ORDER = "lib/cli/rolling_restart.ts";
const ORDER_TESTS = ["tests/unit/cli/rolling_restart_test.ts"];
const LAUNCHER = "lib/cluster/launcher.ts";
const LAUNCHER_TESTS = ["tests/unit/cluster/launcher_test.ts", "tests/unit/cluster/supervisor_test.ts"];
const ADDING_TESTS = ["tests/unit/cluster/launcher_adding_test.ts"];

/** In the order of their numbers. */
export const HANDOVER_SLIPS: readonly Mutation[] = [
  slip("M470", "Writes are held up for a hand-over to a node that cannot be reached", {
    file: "lib/node/membership/leadership.ts",
    find: 'if (!member.reachable) return { type: "NotReachable" };',
    replace: "void member.reachable;",
  }),
  {
    ...slip("M471", "A rolling restart goes on while the node before lacks entries", {
      file: ORDER,
      find: "if (has < target) return `node",
      replace: "if (has < 0) return `node",
    }),
    tests: ORDER_TESTS,
  },
  {
    ...slip("M472", "A rolling restart stops the leader in its turn, as any other node", {
      file: ORDER,
      find: "const next = pending.find(({ id }) => id !== leader);",
      replace: "const next = pending.find(({ id }) => id !== leader || true);",
    }),
    tests: ORDER_TESTS,
  },
  {
    ...slip("M473", "A rolling restart that is run again begins anew with the nodes that it had done", {
      file: "lib/cluster/launcher_control.ts",
      find: "if (!this.#isRestarting()) {",
      replace: "if (!this.#isRestarting() || from >= 0) {",
    }),
    tests: LAUNCHER_TESTS,
  },
  {
    ...slip("M474", "A restart that is asked for twice kills the node that is handing over", {
      file: "lib/cluster/supervisor.ts",
      find: 'if (this.#after === "Restart") return;',
      replace: "",
    }),
    tests: LAUNCHER_TESTS,
  },
  {
    ...slip("M530", "A launcher stops all nodes when one that was added fails", {
      file: LAUNCHER,
      find: 'supervisor.state !== "GaveUp" || !this.#added.has(node.id)',
      replace: 'supervisor.state !== "GaveUp" || node.id >= 0',
    }),
    tests: ADDING_TESTS,
  },
  {
    ...slip("M531", "Two nodes are added at once, under one id", {
      file: "lib/cluster/launcher_control.ts",
      find: "if (this.#isAdding) return refuse(",
      replace: "if (this.#isAdding && from < 0) return refuse(",
    }),
    tests: ADDING_TESTS,
  },
  {
    ...slip("M532", "A launcher that stops starts the node that was asked for before, and leaves it behind", {
      file: LAUNCHER,
      find: 'if (this.#whyEnded() !== undefined) return "the launcher is',
      replace: 'if (this.#whyEnded() === "Lost") return "the launcher is',
    }),
    tests: ADDING_TESTS,
  },
  {
    ...slip("M533", "A node that is added gets the id of one that was removed", {
      file: LAUNCHER,
      find: "this.#usedId = plan.id;",
      replace: "",
    }),
    tests: ADDING_TESTS,
  },
  {
    ...slip("M534", "A local cluster grows as often as somebody asks", {
      file: LAUNCHER,
      find: "if (this.#nodes.size >= LAUNCHED_NODES_MAX) {",
      replace: "if (this.#nodes.size >= LAUNCHED_NODES_MAX + 1_000) {",
    }),
    tests: ADDING_TESTS,
  },
];
