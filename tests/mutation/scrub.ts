/** Planted bugs of the scrub: what it does not see, and repairs that come too early or not at all. */

import type { Mutation } from "./mutation.ts";

const SCRUB = "lib/storage/scrub.ts";
const REPAIRS = "lib/node/scrub/repairs.ts";

/** In the order of their numbers. */
export const SCRUB_SLIPS: readonly Mutation[] = [
  {
    id: "M985",
    what: "The scrub of the log looks at the heads of records alone",
    patches: [{
      file: SCRUB,
      find: "if (sum !== record.bodyChecksum) return damage;",
      replace: "if (sum !== record.bodyChecksum && record.bodyBytes === 0) return damage;",
    }],
  },
  {
    id: "M986",
    what: "A damaged segment goes though no snapshot has all that is in it",
    patches: [{
      file: REPAIRS,
      find: "if (needed !== undefined && covered >= needed) await storage.compact(toIndex(covered));",
      replace: "if (needed !== undefined) await storage.compact(toIndex(needed));",
    }, {
      file: REPAIRS,
      find: "if (needed !== undefined && applied.id.index < needed) return WAITS;",
      replace: "if (applied.id.index < 0) return WAITS;",
    }],
  },
  {
    id: "M987",
    what: "The log goes on in a damaged segment, which is therefore never removed",
    patches: [{
      file: REPAIRS,
      find: "if (!storage.leaveSegment(name)) return WAITS;",
      replace: "if (name.length === 0 && !storage.leaveSegment(name)) return WAITS;",
    }],
  },
  {
    id: "M988",
    what: "The scrub looks at records that are not durable yet",
    patches: [{
      file: "lib/storage/wal.ts",
      find: "end: first + at === durable ? offset : end };",
      replace: "end: offset < 0 ? offset : end };",
    }],
  },
  {
    id: "M989",
    what: "A damaged file with term and vote is found and left as it is",
    patches: [{
      file: REPAIRS,
      find: "        this.#parts.persistence.saveHardState(this.#parts.raft.hardState);\n",
      replace: "",
    }],
  },
  {
    id: "M1112",
    what: "The scrub does not look at the file with the keys",
    patches: [{
      file: "lib/storage/directory_storage.ts",
      find: "if (disk.encryption?.keysOf(directory) === undefined) return;",
      replace: "if (disk.encryption?.keysOf(directory) !== undefined) return;",
    }],
    tests: ["tests/unit/storage/encryption/scrub_test.ts"],
  },
  {
    id: "M1113",
    what: "The repair of the file with the keys takes back what rekey has written meanwhile",
    patches: [{
      file: "lib/storage/encryption/key_files.ts",
      find: "if (!this.#isSound(directory)) await this.#publish(directory, bytes);",
      replace: "if (!this.#isSound(directory) || bytes.length > 0) await this.#publish(directory, bytes);",
    }],
    tests: ["tests/unit/storage/encryption/scrub_test.ts"],
  },
  {
    id: "M1102",
    what: "The scrub keeps a file open that was removed, and its room on the disk taken, until it is read to its end",
    patches: [{
      file: "lib/storage/scrub.ts",
      find: "    while (isKept()) {\n",
      replace: "    for (;;) {\n",
    }, {
      file: "lib/storage/scrub.ts",
      find: "      yield step.value;\n    }\n    return undefined;\n  } finally {\n    reading.return(undefined);",
      replace: "      yield step.value;\n    }\n  } finally {\n    reading.return(undefined);",
    }],
    tests: ["tests/unit/storage/scrub_test.ts"],
  },
  {
    id: "M1104",
    what: "A node without file descriptors takes its files for damaged, and ends as it repairs them",
    patches: [{
      file: "lib/storage/scrub.ts",
      find: "    if (error instanceof AccessError && lacksResources(error.cause)) return undefined;\n",
      replace: "",
    }, {
      file: "lib/storage/scrub.ts",
      find: 'import { lacksResources } from "../base/accepting.ts";\n',
      replace: "",
    }],
    tests: ["tests/unit/storage/scrub_test.ts"],
  },
  {
    id: "M1186",
    what: "A file with the keys that a later version has wrapped anew is taken for damaged, and written over",
    patches: [{
      file: "lib/storage/encryption/key_files.ts",
      find: "if (isOfOtherProgram(bytes, file)) return;",
      replace: "if (isOfOtherProgram(bytes, file) && file.length === 0) return;",
    }],
    tests: ["tests/unit/storage/encryption/scrub_test.ts"],
  },
  {
    id: "M1180",
    what: "A node ends whose file with the keys cannot be read any more, and nobody has them from then on",
    patches: [{
      file: "lib/storage/encryption/key_files.ts",
      find: "const isUnreadable = error instanceof DiskFailureError ||",
      replace: "const isUnreadable = error instanceof DiskFailureError && file.length === 0 ||",
    }],
    tests: ["tests/unit/storage/encryption/scrub_test.ts"],
  },
];
