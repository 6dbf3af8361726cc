/** Planted bugs of the comparison of states, and of the quarantine of those that differ. */

import { type Mutation, slip } from "./mutation.ts";

const COMPARISON = "lib/node/self_check/comparison.ts";
const SELF_CHECK = "lib/node/self_check/self_check.ts";
const TESTS: readonly string[] = [
  "tests/unit/node/self_check/comparison_test.ts",
  "tests/unit/node/self_check/state_checks_test.ts",
  "tests/unit/node/self_check/self_check_test.ts",
  "tests/unit/node/self_check/quarantine_test.ts",
  "tests/unit/node/self_check/quarantine_members_test.ts",
  "tests/unit/node/change_plan_test.ts",
  "tests/unit/node/self_check/repair_test.ts",
  "tests/unit/node/self_check/fence_test.ts",
  "tests/unit/node/scrub/repairs_test.ts",
  "tests/unit/http/cluster_test.ts",
  "tests/unit/protocol/conversation/conversation_test.ts",
  "tests/unit/http/event_bounds_test.ts",
  "tests/unit/raft/quarantine_test.ts",
  "tests/unit/storage/quarantine_file_test.ts",
  "tests/unit/node/self_check/memory_sweep_test.ts",
  "tests/unit/store/sweep_test.ts",
];

/** All of them. */
export const SELF_CHECK_SLIPS: readonly Mutation[] = [
  slip("M951", "Digests of different versions are compared", {
    file: COMPARISON,
    find: 'return digest.slice(0, digest.indexOf(":"));',
    replace: "return digest.slice(0, 0);",
  }),
  slip("M952", "Half of the voters count as a majority", {
    file: COMPARISON,
    find: "those.has(id)).length > voters.length);",
    replace: "those.has(id)).length >= voters.length);",
  }),
  slip("M953", "A node that differed at an older entry is told of although it agrees at a newer one", {
    file: COMPARISON,
    find: "if (differing.has(id) || agreeing.has(id)) continue;",
    replace: "if (differing.has(id)) continue;",
  }),
  slip("M954", "Nobody compares what was written last", {
    file: "lib/node/self_check/state_checks.ts",
    find: "return timeMs > 0 && lastApplied > this.#lastIndex && nowMs >= this.dueMs;",
    replace: "return timeMs > 0 && lastApplied > this.#lastIndex + 1_000 && nowMs >= this.dueMs;",
  }),
  slip("M955", "A server in quarantine votes", {
    file: "lib/raft/request_vote.ts",
    find: "return core.log.configuration.voters.length > 0 && !core.isQuarantined;",
    replace: "return core.log.configuration.voters.length > 0;",
  }),
  slip("M956", "A node goes into quarantine although those that agree are no majority without it", {
    file: SELF_CHECK,
    find: "new Set(sound.map(({ id }) => id)));",
    replace: "new Set([this.#parts.raft.id, ...sound.map(({ id }) => id)]));",
  }),
  slip("M957", "A node in quarantine goes on committing, so that no snapshot is newer than what it has", {
    file: "lib/node/driver.ts",
    find: 'if (message.type === "AppendEntries" && this.#parts.quarantine.isOn) return false;',
    replace: 'if (message.type === "TimeoutNow" && this.#parts.quarantine.isOn) return false;',
  }),
  slip("M958", "A restart ends the quarantine", {
    file: "lib/node/self_check/quarantine.ts",
    find: "this.isOn = parts.file.isOpen;",
    replace: "this.isOn = false;",
  }),
  slip("M959", "A leader in quarantine leads on where nobody takes over", {
    file: "lib/raft/quarantine.ts",
    find: "  stepDown(core);\n  return true;\n",
    replace: "  return false;\n",
  }),
  slip("M960", "The mark of a quarantine is lost with the power", {
    file: "lib/storage/quarantine_file.ts",
    find: "    await disk.syncDirectory(this.#directory);\n",
    replace: '    if (this.#directory === "") await disk.syncDirectory(this.#folder);\n',
  }),
  slip("M961", "The sweep leaves out one part of the memory in every pass", {
    file: "lib/node/self_check/memory_sweep.ts",
    find: "this.#bucket = (this.#bucket + 1) % sweep.buckets;",
    replace: "this.#bucket = (this.#bucket + 1) % (sweep.buckets - 1);",
  }),
  slip("M1128", "Where there is little the sweep begins anew several times as often as it says", {
    file: "lib/node/self_check/memory_sweep.ts",
    find: "Math.ceil(sweep.buckets * SWEEP_PAUSE_MS / passMs)",
    replace: "Math.ceil(3 * sweep.buckets * SWEEP_PAUSE_MS / passMs)",
  }),
  slip("M962", "The sweep does not look whether a key is found in the order", {
    file: "lib/store/sweep.ts",
    find: "if (order.locate(key).at < 0) return false;",
    replace: "if (order.locate(key).at < -1_000) return false;",
  }),
  slip("M963", "The sweep does not look whether a key is found among the deadlines", {
    file: "lib/store/sweep.ts",
    find: "return at === 0 || deadlines.locate({ key, at }).at >= 0;",
    replace: "return at === 0 || deadlines.locate({ key, at }).at >= -1_000;",
  }),
  slip("M964", "A leader whose memory is damaged repairs others with it", {
    file: "lib/node/self_check/repair.ts",
    find: "if (sweep.foundAt !== undefined) return this.#handOver(now);",
    replace: "if (sweep.foundAt === -1) return this.#handOver(now);",
  }),
  slip(
    "M1182",
    "A leader whose memory is damaged asks the first of the others to lead, however little of the log that one has",
    {
      file: "lib/node/self_check/repair.ts",
      find: ".sort((left, right) => durableOf(right) - durableOf(left));",
      replace: ".sort((left, right) => 0 * (durableOf(right) - durableOf(left)));",
    },
  ),
  slip(
    "M1183",
    "A leader whose memory is damaged asks without a break that another one leads, and takes no writes meanwhile",
    {
      file: "lib/node/self_check/repair.ts",
      find: "this.#handsOverFrom = now + HANDOVER_RETRY_MS;",
      replace: "this.#handsOverFrom = now + 0 * HANDOVER_RETRY_MS;",
    },
  ),
  slip(
    "M1185",
    "A node that got a snapshot before its quarantine began says that it answers though its state is not sound",
    {
      file: "lib/node/self_check/quarantine.ts",
      find: "    this.isFenced = false;\n    if (!this.isOn) return;\n    this.isOn = false;\n",
      replace: "    if (!this.isOn) return;\n    this.isFenced = false;\n    this.isOn = false;\n",
    },
  ),
  slip("M1187", "A watcher is told all of a state though it is found not to be sound meanwhile", {
    file: "lib/http/event_stream/stream.ts",
    find: 'if (this.#phase === "State" && this.#host.node.isQuarantined) {',
    replace: 'if (this.#phase === "State" && this.#host.node.isQuarantined && this.#position < 0) {',
  }),
  slip("M1188", "A read that was confirmed long ago looks at a state that is known by now not to be sound", {
    file: "lib/protocol/conversation/conversation.ts",
    find: "this.#context.node.isQuarantined ? NOT_SOUND : outcome",
    replace: "this.#context.node.isQuarantined && this.#now < 0 ? NOT_SOUND : outcome",
  }),
  slip("M965", "A snapshot of damaged memory is kept", {
    file: "lib/node/snapshots/snapshots.ts",
    find: "if (!this.#closed && !cut.isSound) {",
    replace: "if (this.#closed && !cut.isSound) {",
  }),
  slip(
    "M1031",
    "A node goes into quarantine although one of those that are left lags, so that nothing can be committed",
    {
      file: SELF_CHECK,
      find: "status.lastDurable.index >= held",
      replace: "status.lastDurable.index + held >= held",
    },
  ),
  {
    id: "M1106",
    what: "A leader that finds its memory damaged answers the writes that are open from it",
    patches: [{
      file: SELF_CHECK,
      find: "    proposals.fence();\n",
      replace: "    if (reads === undefined) proposals.fence();\n",
    }, {
      file: "lib/node/driver.ts",
      find: 'if (!this.#parts.quarantine.isFenced && !this.#putsOff("node/applyPutOff"))',
      replace: 'if (!this.#putsOff("node/applyPutOff"))',
    }],
  },
  {
    id: "M1107",
    what: "A leader that finds its memory damaged answers the reads that are open from it",
    patches: [{
      file: SELF_CHECK,
      find: '    reads.endAll("Quarantined");\n',
      replace: '    if (proposals === undefined) reads.endAll("Quarantined");\n',
    }, {
      file: "lib/node/driver.ts",
      find: 'if (!this.#parts.quarantine.isFenced && !this.#putsOff("node/readsServedLate"))',
      replace: 'if (!this.#putsOff("node/readsServedLate"))',
    }],
  },
  slip("M1108", "A node that finds its memory damaged answers from it until it goes into quarantine", {
    file: SELF_CHECK,
    find: "this.#fence(isSpared);",
    replace: "this.#fence(isSpared && isForLong);",
  }),
  slip("M1109", "A node that answers nothing from its state never does so again where the others have gone", {
    file: SELF_CHECK,
    find: "this.#fence(isSpared);",
    replace: "if (isSpared) this.#fence(true);",
  }),
  slip("M1190", "Another voter is removed while the rest can decide nothing without one in quarantine", {
    file: "lib/node/membership/change_plan.ts",
    find: "if (count - waiting.length >= needed) return undefined;",
    replace: "if (count >= needed) return undefined;",
  }),
  slip("M1191", "A damaged node that may never go is not counted on, so that nothing leads out of that", {
    file: "lib/node/membership/change_plan.ts",
    find: "const mayGo = 2 * sound.length > now.length;",
    replace: "const mayGo = 2 * sound.length >= 0;",
  }),
  slip("M1192", "A leader does not hear from its peers who is in quarantine when it changes the members", {
    file: "lib/node/membership/member_change.ts",
    find: "peers.filter(({ status }) => status?.quarantined === true)",
    replace: "peers.filter(({ status }) => status?.quarantined === false)",
  }),
  slip("M1110", "A repair without room for a snapshot writes one again every second", {
    file: "lib/node/growing_pause.ts",
    find: "this.#failures += 1;",
    replace: "this.#failures = 0;",
  }),
  slip("M1111", "Who asks a node in quarantine for a snapshot hears that the disk is full", {
    file: "lib/http/routes/snapshot.ts",
    find: 'if (outcome.type === "NotSound") return notDone({ reason: "Quarantined" });',
    replace: 'if (outcome.type === "NotSound") return notTaken(node, "No room");',
  }),
  slip("M1032", "The digest of a state depends on what reads of it were told of the time", {
    file: "lib/kv/state_machine.ts",
    find: "${this.timeMs}${users}",
    replace: "${Math.max(this.timeMs, this.#toldMs)}${users}",
  }),
].map((mutation) => ({ ...mutation, tests: TESTS }));

/** How people are told that a node is in quarantine. */
export const QUARANTINE_SHOWN_SLIPS: readonly Mutation[] = [
  slip("M1050", "Nobody is told which other node is in quarantine", {
    file: "lib/node/views/views.ts",
    find: "quarantined: known?.quarantined === true,",
    replace: "quarantined: false,",
  }),
  slip("M1051", "CLUSTER does not tell who is in quarantine", {
    file: "lib/protocol/text/cluster.ts",
    find: '...(member.quarantined ? ["Quarantined: yes"] : []),',
    replace: "...(member.quarantined ? [] : []),",
  }),
  slip("M1052", "The dashboard is not told who is in quarantine", {
    file: "lib/http/member_json.ts",
    find: "quarantined: member.quarantined,",
    replace: "quarantined: false,",
  }),
  slip("M1053", "The dashboard counts a node in quarantine among those that can lead", {
    file: "lib/dashboard/assets/condition.js",
    find: "if (member.reachable && member.quarantined) return",
    replace: "if (!member.reachable && member.quarantined) return",
  }),
  slip("M1054", "The dashboard of a node in quarantine tells that all nodes answer", {
    file: "lib/dashboard/assets/condition.js",
    find: "id === node.id ? !quarantined :",
    replace: "id === node.id ? quarantined !== 0 :",
  }),
].map((mutation) => ({
  ...mutation,
  tests: [
    "tests/unit/node/views_test.ts",
    "tests/unit/protocol/text/replies_test.ts",
    "tests/unit/http/cluster_test.ts",
    "tests/unit/dashboard/condition_test.ts",
  ],
}));
