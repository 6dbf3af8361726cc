/** Planted bugs B10 to B17: commit index, snapshots, what is durable when, answers of older times. */

import type { Mutation } from "./mutation.ts";

const APPEND_ENTRIES = "lib/raft/append_entries.ts";
const INSTALL_SNAPSHOT = "lib/raft/install_snapshot.ts";
const RECEIVE = "lib/raft/receive.ts";

/** In the order of the list. */
export const BUGS_2: readonly Mutation[] = [
  {
    id: "B10",
    what:
      "A follower commits up to leaderCommit, also what this leader has not compared with its own log (copycat#265)",
    patches: [{
      file: APPEND_ENTRIES,
      find: "commitTo(core, Math.min(message.leaderCommit, last));",
      replace: "commitTo(core, Math.min(message.leaderCommit, core.log.lastIndex));",
    }],
  },
  {
    id: "B11a",
    what: "An AppendEntries that begins below the snapshot is refused as a conflict (openraft#511)",
    patches: [{ file: APPEND_ENTRIES, find: "if (covered <= 0) {", replace: "if (covered <= core.log.lastIndex) {" }],
  },
  {
    id: "B11b",
    what: "Entries that the snapshot covers are taken for conflicting ones and replaced (openraft#511)",
    patches: [
      { file: APPEND_ENTRIES, find: "prevLogIndex + 1 + Math.max(0, covered);", replace: "prevLogIndex + 1;" },
      {
        file: APPEND_ENTRIES,
        find: "if (first <= Math.max(core.commitIndex, following.matchedIndex)) return",
        replace: "if (first <= Math.min(0, following.matchedIndex)) return",
      },
    ],
  },
  {
    id: "B12a",
    what: "A snapshot that is older than the state is installed over it (NuRaft#407)",
    patches: [
      {
        file: INSTALL_SNAPSHOT,
        find: "if (lastIncludedIndex <= core.commitIndex) {",
        replace: "if (lastIncludedIndex <= core.log.base.index) {",
      },
      {
        file: "lib/node/effects/applier.ts",
        find: "if (id.index <= applied.id.index) return false;",
        replace: "if (id.index === applied.id.index) return false;",
      },
    ],
  },
  {
    id: "B12b",
    what: "After a snapshot was installed, entries that contradict it are kept in memory (hashicorp/raft#704)",
    patches: [{
      file: INSTALL_SNAPSHOT,
      find: "if (log.termAt(lastIncluded.index) === lastIncluded.term) {",
      replace: "if (log.termAt(lastIncluded.index) !== undefined) {",
    }],
  },
  {
    id: "B12c",
    what: "After a snapshot was installed, entries that contradict it are kept on disk (Scylla#9551)",
    patches: [{
      file: "lib/storage/wal.ts",
      find: "return term === this.#shape.termAt(index) ? undefined : term;",
      replace: "return term === undefined || this.#shape.termAt(index) !== undefined ? undefined : term;",
    }],
  },
  {
    id: "B13a",
    what: "A snapshot gets its name before its content is synced (canonical/raft#184)",
    patches: [{
      file: "lib/storage/snapshot_temporary.ts",
      find: "await this.#file?.syncData();",
      replace: "await Promise.resolve();",
    }],
  },
  {
    id: "B13b",
    what: "The directory is not synced after a snapshot got its name and before the log it replaces is removed",
    patches: [{
      file: "lib/storage/snapshot_store.ts",
      find: "disk.rename(path, `${directory}/${name}`);\n    await disk.syncDirectory(directory);",
      replace: "disk.rename(path, `${directory}/${name}`);",
    }],
  },
  {
    id: "B14a",
    what:
      "After a restart the snapshot's configuration is forgotten, and the next snapshot holds the first one instead",
    patches: [{
      file: "lib/node/assemble.ts",
      find: "configuration: snapshot?.configuration ?? initialConfiguration,",
      replace: "configuration: initialConfiguration,",
    }],
  },
  {
    id: "B14b",
    what: "The applied index is missing from the snapshot (etcd#13766)",
    patches: [{
      file: "lib/kv/state_machine.ts",
      find: "this.#lastApplied = index;\n    this.#keys.advance(timeMs);",
      replace: "this.#lastApplied = Math.min(index, 0);\n    this.#keys.advance(timeMs);",
    }],
  },
  {
    id: "B14c",
    what: "A value overwritten since leaks into a snapshot, so that entries are applied on top of their own effects",
    patches: [{
      file: "lib/store/records.ts",
      find: "if (segment.isNeeded(unit) || (deadline",
      replace: "if ((deadline",
    }],
  },
  {
    id: "B15a",
    what: "The leader counts its own copy of an entry before its disk has it (etcd#14370)",
    patches: [{
      file: "lib/raft/commit.ts",
      find: "id === core.id ? log.durableIndex",
      replace: "id === core.id ? log.lastIndex",
    }],
  },
  {
    id: "B15b",
    what: "A follower acknowledges entries before its disk has them",
    patches: [{
      file: APPEND_ENTRIES,
      find: "const matchIndex = Math.min(following.matchedIndex, core.log.durableIndex);",
      replace: "const matchIndex = Math.min(following.matchedIndex, core.log.lastIndex);",
    }, {
      file: APPEND_ENTRIES,
      find: "assert(result.matchIndex <= core.log.durableIndex",
      replace: "assert(result.matchIndex <= core.log.lastIndex",
    }],
  },
  {
    id: "B16",
    what: "A candidate that steps down in its own term forgets its vote (CCF#8094)",
    patches: [{
      file: "lib/raft/roles.ts",
      find: "if (at.term > core.currentTerm) enterTerm(core, at.term);",
      replace: "if (at.term > core.currentTerm) enterTerm(core, at.term);\n" +
        '  else if (core.roleState.role !== "Follower") (core as WritableCore).votedFor = undefined;',
    }],
  },
  {
    id: "B17a",
    what: "A vote of an older term is counted",
    patches: [{
      file: RECEIVE,
      find: "if (term < core.currentTerm) refuseStale(core, message);",
      replace: 'if (term < core.currentTerm && message.type !== "RequestVoteResult") refuseStale(core, message);',
    }],
  },
  {
    id: "B17b",
    what: "An acknowledgement of an older term is counted",
    patches: [{
      file: RECEIVE,
      find: "if (term < core.currentTerm) refuseStale(core, message);",
      replace: 'if (term < core.currentTerm && message.type !== "AppendEntriesResult") refuseStale(core, message);',
    }],
  },
  {
    id: "B17c",
    what: "What a server acknowledged before its directory was wiped goes on to count",
    patches: [{
      file: "lib/raft/replication.ts",
      find: 'peer.identity !== "" && peer.identity !== identity;',
      replace: 'peer.identity !== "" && peer.identity.length !== identity.length;',
    }],
  },
];
