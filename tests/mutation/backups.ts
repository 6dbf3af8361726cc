/** Planted bugs of backups: damage that nobody sees, and what is in a backup and not in what is made of it. */

import { type Mutation, slip } from "./mutation.ts";

const BACKUP_FILE = "lib/node/recovery/backup_file.ts";
const FILE_TESTS: readonly string[] = ["tests/unit/node/recovery/backup_file_test.ts"];

/** In the order of their numbers. */
export const BACKUP_SLIPS: readonly Mutation[] = [
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
      find: "if (checksum(block) !== sum) throw",
      replace: "if (checksum(block) !== sum && length === 0) throw",
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
