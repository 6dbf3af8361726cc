/** Planted bugs of the versions of files, states and commands. */

import type { Mutation } from "./mutation.ts";

/** In the order of their numbers. */
export const VERSION_SLIPS: readonly Mutation[] = [
  {
    id: "M90",
    what: "The version of a record is not read: one of another version is taken for one of this",
    patches: [{
      file: "lib/storage/wal_format.ts",
      find: "const version = view.getUint16(4, true);",
      replace: "const version = view.getUint16(4, true) > 0 ? WAL_VERSION : WAL_VERSION;",
    }],
  },
  {
    id: "M91",
    what: "A snapshot's state of another version is found only after the log has been rewritten",
    patches: [{
      file: "lib/storage/version_check.ts",
      find: "if (first.done === true || contents === undefined) return;",
      replace: "if (first.done !== undefined || contents === undefined) return;",
    }],
  },
  {
    id: "M92",
    what: "A flipped bit of a segment's version is called another version",
    patches: [{
      file: "lib/storage/format_version.ts",
      find: "return sealed || (isPlausible(version) && !differInOneBit(version, known));",
      replace: "return sealed || (isPlausible(version) || differInOneBit(version, known));",
    }],
  },
];
