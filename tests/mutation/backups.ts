/** Planted bugs of backups: damage that nobody sees, and what is in a backup and not in what is made of it. */

import { type Mutation, slip } from "./mutation.ts";

const BACKUP_FILE = "lib/node/recovery/backup_file.ts";
const FILE_TESTS: readonly string[] = ["tests/unit/node/recovery/backup_file_test.ts"];

const RESTORE = "lib/node/recovery/restore.ts";
const RESTORE_TESTS: readonly string[] = ["tests/unit/node/recovery/restore_test.ts"];
const CRASH_TESTS: readonly string[] = ["tests/crash/restore_test.ts"];

const FILES: readonly Mutation[] = [
  {
    id: "M790",
    what: "What follows the last block of a backup is not looked at: half a backup, or two in a row, is called whole",
    patches: [{
      file: "lib/storage/snapshot_format.ts",
      find: "if (!reader.isAtEnd()) throw",
      replace: "if (reader.offset < 0) throw",
    }],
    tests: FILE_TESTS,
  },
  {
    id: "M791",
    what: "The blocks of a backup count as whole by their lengths: a flipped byte in one is not found",
    patches: [{
      file: "lib/storage/snapshot_format.ts",
      find: "if (checksum(stored) !== sum) throw",
      replace: "if (checksum(stored) !== sum && length === 0) throw",
    }, {
      file: "lib/storage/snapshot_format.ts",
      find: "if (viewOf(footer).getUint32(16, true) !== wanted.total)",
      replace: "if (viewOf(footer).getUint32(16, true) < 0)",
    }],
    tests: FILE_TESTS,
  },
  slip("M792", "A backup of a level that this program does not know is taken for one that it does", {
    file: BACKUP_FILE,
    find: "const blocks = readSnapshot(file, onHead);",
    replace: "const blocks = readSnapshot(file, onHead.length > 1 ? onHead : undefined);",
  }),
  slip("M793", "The state in a backup may be that of another index than the file says", {
    file: BACKUP_FILE,
    find: "state.lastApplied === summary.lastIncluded.index)",
    replace: "state.lastApplied > 0)",
  }),
];

const COMMANDS: readonly Mutation[] = [
  slip(
    "M811",
    "A backup that comes through a pipe is read by the size that a pipe has not: a whole one is called damaged",
    {
      file: "lib/cli/backup/verify_command.ts",
      find: 'isDirectory ? "directory" : "pipe";',
      replace: 'isDirectory ? "directory" : "file";',
    },
  ),
  slip("M812", "A forced backup takes the place of whatever has its name, a device too", {
    file: "lib/cli/backup/output_file.ts",
    find: "if (Deno.statSync(path).isFile) return;",
    replace: "if (!Deno.statSync(path).isDirectory) return;",
  }),
].map((mutation) => ({ ...mutation, tests: ["tests/e2e/backup_test.ts"] }));

const VOLUMES: readonly Mutation[] = [
  {
    ...slip("M819", "A restore refuses a volume of its own for what its file system keeps there", {
      file: "lib/storage/restore_mark.ts",
      find: "disk.list(directory).filter((name) => name !== VOLUME_NAME);",
      replace: "disk.list(directory).filter((name) => name !== `/${VOLUME_NAME}`);",
    }),
    tests: RESTORE_TESTS,
  },
];

const RESTORES: readonly Mutation[] = [
  slip("M794", "A restored cluster keeps the id of the old one, so that nodes of before can join it", {
    file: RESTORE,
    find: "return { ...wish, clusterId, raise, configuration };",
    replace: "return { ...wish, clusterId: summary.configuration.clusterId ?? clusterId, raise, configuration };",
  }),
  slip("M795", "A restore raises revisions by the index of the backup alone: into what was handed out after it", {
    file: RESTORE,
    find: "raiseFrom(summary.lastIncluded, { revisionStep, refused })",
    replace: "raiseFrom(summary.lastIncluded, { revisionStep: Math.min(revisionStep, 1), refused })",
  }),
  slip("M796", "An id that another file or other members were restored under is taken", {
    file: RESTORE,
    find: "if (wish.clusterId !== undefined && wish.clusterId !== clusterId) {",
    replace: "if (wish.clusterId !== undefined && wish.clusterId.length !== clusterId.length) {",
  }),
  slip("M797", "The id of a restore does not depend on the contents of the file", {
    file: RESTORE,
    find: "const file = [index, term, bytes, blocks, checksum];",
    replace: "const file = [index, term, bytes, blocks, checksum * 0];",
  }),
  {
    id: "M798",
    what: "A node starts on a directory that is half restored",
    patches: [{
      file: "lib/storage/open.ts",
      find: "if (options.isRestore !== true) refuseHalfRestored(disk, directory);",
      replace: "if (options.isRestore === true) refuseHalfRestored(disk, `${directory}/${options.nodeId}`);",
    }, {
      file: "lib/storage/open.ts",
      find: "    refuseHalfRestored(disk, directory);\n    return",
      replace: "    refuseHalfRestored(disk, `${directory}/${options.nodeId}`);\n    return",
    }],
    tests: [...RESTORE_TESTS, ...CRASH_TESTS],
  },
  {
    id: "M799",
    what: "The mark of a restore is not durable before what it marks",
    patches: [{
      file: "lib/storage/restore_mark.ts",
      find: '"create").close();\n    await disk.syncDirectory(directory);',
      replace: '"create").close();\n    await Promise.resolve();',
    }],
    tests: CRASH_TESTS,
  },
  {
    id: "M800",
    what: "The mark of a restore is taken away before the directory is complete",
    patches: [{
      file: RESTORE,
      find: "  try {\n    await fill(plan",
      replace: "  try {\n    await endRestore(disk, plan.directory);\n    await fill(plan",
    }],
    tests: CRASH_TESTS,
  },
  {
    id: "M996",
    what: "A restore clears what another one has made since it looked",
    patches: [{
      file: "lib/storage/restore_mark.ts",
      find: "    refuseOccupied(disk, directory);\n    disk.open",
      replace: "    disk.open",
    }],
    tests: RESTORE_TESTS,
  },
  {
    id: "M997",
    what: "A restore gives the lock back before its mark is gone",
    patches: [{
      file: RESTORE,
      find: "    await endRestore(disk, plan.directory);\n  } finally {\n    lock.release();",
      replace: "  } finally {\n    lock.release();\n    await endRestore(disk, plan.directory);",
    }],
    tests: RESTORE_TESTS,
  },
  {
    id: "M801",
    what: "A restore writes over what is in the directory",
    patches: [{
      file: "lib/storage/restore_mark.ts",
      find: "if (other === undefined) return;",
      replace: "if (other === undefined || names.length < 100) return;",
    }],
    tests: RESTORE_TESTS,
  },
  {
    id: "M826",
    what: "Beside the mark of a restore everything is emptied",
    patches: [{
      file: "lib/storage/restore_mark.ts",
      find: "names.find((name) => !isOfRestore(name))",
      replace: "names.find((name) => !isOfRestore(name) && name.length > 100)",
    }],
    tests: RESTORE_TESTS,
  },
  {
    id: "M802",
    what: "Deadlines are dropped of the first key of each block alone",
    patches: [{
      file: "lib/kv/snapshot_blocks.ts",
      find: "view.setFloat64(at + 32, 0, true);",
      replace: "if (at === 1) view.setFloat64(at + 32, 0, true);",
    }],
    tests: RESTORE_TESTS,
  },
];

const DOWNLOAD = "lib/cli/backup/backup_download.ts";
const DOWNLOAD_TESTS: readonly string[] = ["tests/unit/cli/backup_download_test.ts"];

const TAKEN: readonly Mutation[] = [
  {
    id: "M803",
    what: "A backup gets its name before it is durable",
    patches: [{
      file: "lib/storage/published_file.ts",
      find: "  await file.syncData();\n  disk.rename(file.path, path);\n",
      replace: "  disk.rename(file.path, path);\n  await file.syncData();\n",
    }],
    tests: ["tests/crash/published_file_test.ts"],
  },
  {
    id: "M804",
    what: "A backup is said to be done before its name is durable",
    patches: [{
      file: "lib/storage/published_file.ts",
      find: "await disk.syncDirectory(parentOf(path));",
      replace: "await disk.syncDirectory(parentOf(parentOf(path)));",
    }],
    tests: ["tests/crash/published_file_test.ts"],
  },
  {
    id: "M805",
    what: "A backup is resumed where the node has another snapshot by then: the file is of two",
    patches: [{
      file: DOWNLOAD,
      find: "const isResumed = progress !== undefined && status === PARTIAL;",
      replace: "const isResumed = progress !== undefined && status <= PARTIAL;",
    }],
    tests: DOWNLOAD_TESTS,
  },
  {
    id: "M806",
    what: "A backup whose connection ended too early counts as whole",
    patches: [{
      file: DOWNLOAD,
      find: "if (progress.received === progress.total) return address;",
      replace: "if (progress.received <= progress.total) return address;",
    }],
    tests: DOWNLOAD_TESTS,
  },
  {
    id: "M807",
    what: "A follower gives a backup of what it has applied: acknowledged writes may be missing",
    patches: [{
      file: "lib/http/routes/snapshot.ts",
      find: "return answerWhenFresh(freshness, {",
      replace: "return answerWhenFresh({ ...freshness, stale: true }, {",
    }],
    tests: ["tests/unit/http/cluster_test.ts"],
  },
  {
    id: "M808",
    what: "The tag of a backup tells the index and the term alone, which the different files of two nodes share",
    patches: [{
      file: "lib/http/routes/snapshot.ts",
      find: 'return `"${index}-${term}-${bytes}-${hash64(end)}"`;',
      replace: 'return `"${index}-${term}-${bytes}-${hash64(end.slice(0, 0))}"`;',
    }],
    tests: ["tests/unit/http/cluster_test.ts"],
  },
];

const SNAPSHOTS = "lib/node/snapshots/snapshots.ts";
const HURRY_TESTS: readonly string[] = ["tests/unit/node/snapshots/hurry_test.ts"];
const ROUTE = "lib/http/routes/snapshot.ts";
const ROUTE_TESTS: readonly string[] = ["tests/unit/http/cluster_test.ts"];

const GENTLE: readonly Mutation[] = [
  ...[
    slip("M1120", "A snapshot for a backup alone is taken as fast as any other", {
      file: SNAPSHOTS,
      find: "isForBackup: () => this.#hurried === 0 &&",
      replace: "isForBackup: () => this.#hurried < 0 &&",
    }),
    slip("M1121", "A snapshot for a backup takes its time while the next one is due, and the log grows meanwhile", {
      file: SNAPSHOTS,
      find: "this.#hurried === 0 && !this.#isNextDue && !memory.isShort,",
      replace: "this.#hurried === 0 && !(this.#isNextDue && this.#closed) && !memory.isShort,",
    }),
    slip("M1122", "Whoever asks for a snapshot waits for that of a backup at its pace", {
      file: SNAPSHOTS,
      find: "return this.#hurry(() => this.#join());",
      replace: "return this.#join();",
    }),
    slip("M1123", "Once somebody was in a hurry every later backup is", {
      file: SNAPSHOTS,
      find: "this.#hurried -= 1;",
      replace: "this.#hurried -= 0;",
    }),
    slip("M1124", "A backup is verified as fast as the disk gives it, beside clients who wait", {
      file: "lib/node/snapshots/backup.ts",
      find: "isForBackup: () => true })",
      replace: "isForBackup: () => false })",
    }),
  ].map((mutation) => ({ ...mutation, tests: HURRY_TESTS })),
  ...[
    slip("M1125", "A backup is sent as fast as the client reads it", {
      file: ROUTE,
      find: "sink !== undefined && this.#pause === undefined &&",
      replace: "sink !== undefined &&",
    }),
    slip("M1126", "A backup is sent whether or not the client takes it: it gathers in the memory of the node", {
      file: ROUTE,
      find: "this.#pause === undefined && sink.unsentBytes === 0)",
      replace: "this.#pause === undefined)",
    }),
  ].map((mutation) => ({ ...mutation, tests: ROUTE_TESTS })),
  {
    ...slip("M1127", "A backup that has come is read through without a rest, beside nodes on the same machine", {
      file: BACKUP_FILE,
      find: "isForBackup: () => true }));",
      replace: "isForBackup: () => false }));",
    }),
    tests: FILE_TESTS,
  },
  {
    ...slip("M1189", "A snapshot for a backup takes its time though what it holds fills the memory", {
      file: "lib/node/snapshots/snapshots.ts",
      find: "!this.#isNextDue && !memory.isShort,",
      replace: "!this.#isNextDue && (!memory.isShort || memory.limitBytes > 0),",
    }),
    tests: HURRY_TESTS,
  },
  {
    ...slip(
      "M1184",
      "Whoever joins a snapshot that is under way puts the next one off, however much has come since it began",
      {
        file: "lib/node/snapshots/snapshots.ts",
        find: "    this.#taking ??= this.#begin();\n",
        replace: "    this.#parts.applier.restartCount();\n    this.#taking ??= this.#begin();\n",
      },
    ),
    tests: HURRY_TESTS,
  },
];

/** In the order of their numbers. */
export const BACKUP_SLIPS: readonly Mutation[] = [
  ...FILES,
  ...RESTORES,
  ...TAKEN,
  ...COMMANDS,
  ...VOLUMES,
  ...GENTLE,
];
