/** Plausible mistakes of one to three lines that no test had noticed once. */

import type { Mutation } from "./mutation.ts";

const FLIGHTS = "lib/node/writes/flights.ts";
const SUBMISSIONS = "lib/node/writes/submissions.ts";

const STATE_MACHINE: readonly Mutation[] = [
  {
    id: "M50",
    what: "What a session has forgotten is not in the snapshot: an old command is done again",
    patches: [{
      file: "lib/kv/snapshot_cut.ts",
      find: "sessions.push([id, ttlMs, expiresAt, floor, answers, ...owner === NO_OWNER ? [] : [owner]]);",
      replace: "sessions.push([id, ttlMs, expiresAt, floor * 0, answers, ...owner === NO_OWNER ? [] : [owner]]);",
    }],
  },
  {
    id: "M51",
    what: "Answers that are too long to be kept are not in the snapshot: their commands are done again",
    patches: [{
      file: "lib/kv/sessions.ts",
      find: "answers: [...answers.values()], owner };",
      replace: "answers: [...answers.values()].filter(([, answer]) => answer !== null), owner };",
    }],
  },
];

const NODE: readonly Mutation[] = [
  {
    id: "M52",
    what: "A term that found no space is saved over the newer one that came meanwhile",
    patches: [{
      file: "lib/node/effects/persistence.ts",
      find: "this.#hardState ??= hardState;",
      replace: "this.#hardState = hardState;",
    }],
  },
  {
    id: "M53",
    what: "An answer to an earlier life of the process settles the writes of this one",
    patches: [
      { file: FLIGHTS, find: "    if (incarnation !== this.#parts.incarnation) return false;\n", replace: "" },
      {
        file: FLIGHTS,
        find: "takeResult({ from, incarnation, id, first, outcomes }",
        replace: "takeResult({ from, id, first, outcomes }",
      },
    ],
  },
  {
    id: "M54",
    what: "Writes that do not fit into a forward are lost",
    patches: [{
      file: SUBMISSIONS,
      find: "this.#takeOut(batch.length);",
      replace: "this.#takeOut(this.#waiting.length);",
    }],
  },
  {
    id: "M55",
    what: "A write is passed on while an older one that was proposed here is open",
    patches: [{ file: SUBMISSIONS, find: " || proposals.size > 0) return;", replace: ") return;" }],
  },
  {
    id: "M56",
    what: "An installed snapshot's configuration is not taken over",
    patches: [{
      file: "lib/node/effects/applier.ts",
      find: "    applied.configuration = configuration;\n",
      replace: "",
    }],
  },
  {
    id: "M57",
    what: "Messages that promise nothing leave while the term is being made durable",
    patches: [{
      file: "lib/node/effects/effects.ts",
      find: "for (const message of update.messages) this.#send(message);",
      replace: "for (const message of update.messages) this.#parts.outbox.transmit(message);",
    }],
  },
];

const SERVING: readonly Mutation[] = [
  {
    id: "M65",
    what: "After some sixty proposals every write is refused as overload",
    patches: [{
      file: "lib/node/writes/proposals.ts",
      find: 'return tooMany || tooLong || fault("node/writeRefused") ?',
      replace: 'return tooMany || tooLong || this.#proposalId > 60 || fault("node/writeRefused") ?',
    }],
  },
];

/** Only a look at the calls of the system sees what a kill does not: the page cache survives that. */
const SYSTEM_CALLS = ["tests/e2e/synced_writes_test.ts"];

const DISKS: readonly Mutation[] = [
  {
    id: "M67",
    what: "A sync counts as done when it has begun",
    patches: [{
      file: "lib/node/effects/persistence.ts",
      find: "storage.sync().then(() => {",
      replace: "void storage.sync();\n    Promise.resolve().then(() => {",
    }],
  },
];

const OUTCOMES: readonly Mutation[] = [
  {
    id: "M66",
    what: "A transaction that was done is answered as certainly not done",
    patches: [{
      file: "lib/node/writes/pending_writes.ts",
      find: "front?.index === index && front.term === term",
      replace: 'front?.index === index && front.term === term && result.type !== "Transaction"',
    }],
  },
];

const CORE: readonly Mutation[] = [
  {
    id: "M58",
    what: "A snapshot is said to be installed where the log is committed up to it but not durable",
    patches: [{
      file: "lib/raft/install_snapshot.ts",
      find: "const installed = lastIncludedIndex <= core.log.durableIndex;",
      replace: "const installed = lastIncludedIndex <= core.commitIndex;",
    }],
  },
  {
    id: "M59",
    what: "A voter that an uncommitted configuration leaves out does not campaign",
    patches: [{
      file: "lib/raft/core.ts",
      find: "return isVoter(previousConfiguration, core.id);",
      replace: "return isVoter(previousConfiguration, core.id) && isVoter(configuration, core.id);",
    }],
  },
  {
    id: "M60",
    what: "Entries that contradict committed ones take their place",
    patches: [{
      file: "lib/raft/append_entries.ts",
      find: 'if (first <= Math.max(core.commitIndex, following.matchedIndex)) return { type: "Dropped" };',
      replace: 'if (first <= following.matchedIndex - core.log.lastIndex) return { type: "Dropped" };',
    }],
  },
  {
    id: "M61",
    what: "A learner becomes a voter before it holds the configuration that names it",
    patches: [{
      file: "lib/raft/membership.ts",
      find: "if (learner.matchIndex < log.configurationIndex)",
      replace: "if (learner.matchIndex < 0)",
    }],
  },
];

const FILES: readonly Mutation[] = [
  {
    id: "M62",
    what: "The checksum of a whole snapshot is not compared: two sound blocks may have changed places",
    patches: [{
      file: "lib/storage/snapshot_format.ts",
      find: "if (viewOf(footer).getUint32(16, true) !== wanted.total)",
      replace: "if (viewOf(footer).getUint32(16, true) < 0)",
    }],
  },
  {
    id: "M63",
    what: "The digest of a log does not cover the terms",
    patches: [{
      file: "lib/storage/inspect.ts",
      find: "setUint53(view, { offset: 8, value: run.term });",
      replace: "setUint53(view, { offset: 8, value: 0 });",
    }],
  },
];

const HTTP: readonly Mutation[] = [
  {
    id: "M64",
    what: "A request that was passed on to the leader is passed on again",
    patches: [{
      file: "lib/http/leader_proxy.ts",
      find: "if (request.headers.has(FORWARDED))",
      replace: 'if (request.headers.has(FORWARDED) && request.path === "/")',
    }],
  },
  {
    id: "M68",
    what: "The sync of a file does nothing",
    patches: [{
      file: "lib/storage/deno_file.ts",
      find: "await (this.#forSyncs ?? this.#file).syncData();",
      replace: "",
    }],
    tests: SYSTEM_CALLS,
  },
  {
    id: "M69",
    what: "The sync of a directory does nothing",
    patches: [{ file: "lib/storage/deno_disk.ts", find: "await directory.sync();", replace: "" }],
    tests: SYSTEM_CALLS,
  },
];

const MEMBERS: readonly Mutation[] = [
  {
    id: "M70",
    what: "DELETE of a member is told as done, and does nothing",
    patches: [{
      file: "lib/http/routes/members.ts",
      find: "  const outcome = await node.changeMember(wanted);\n",
      replace: '  const outcome = wanted.type === "Remove" && wanted.id < 10\n' +
        '    ? { type: "Done", id: wanted.id } as Awaited<ReturnType<typeof node.changeMember>>\n' +
        "    : await node.changeMember(wanted);\n",
    }],
    tests: ["tests/unit/http/cluster_test.ts", "tests/e2e/http_api_test.ts"],
  },
];

/** In the order of their numbers. */
export const SURVIVORS: readonly Mutation[] = [
  ...STATE_MACHINE,
  ...NODE,
  ...CORE,
  ...FILES,
  ...HTTP,
  ...SERVING,
  ...OUTCOMES,
  ...DISKS,
  ...MEMBERS,
];
