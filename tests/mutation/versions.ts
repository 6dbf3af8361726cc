/** Planted bugs of the versions of files, states and commands, and of the level of a cluster. */

import { type Mutation, slip } from "./mutation.ts";

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
  slip("M460", "A feature is on before all have it: a member that was never heard does not count", {
    file: "lib/node/membership/level.ts",
    find: "if (versions === undefined) return undefined;",
    replace: "if (versions === undefined) continue;",
  }),
  slip("M461", "A feature is on before all have it: one member that can is enough", {
    file: "lib/node/membership/level.ts",
    find: "common = Math.min(common, versions.newest);",
    replace: "common = Math.max(common, versions.newest);",
  }),
  slip("M462", "A program that cannot what is on is admitted", {
    file: "lib/node/membership/level.ts",
    find: "if (versions.newest >= level) return undefined;",
    replace: "if (versions.newest >= 0) return undefined;",
  }),
  slip("M463", "Connections to programs that cannot what is on outlive the switch", {
    file: "lib/node/membership/peer_directory.ts",
    find: "if (greeting.versions.newest >= level) continue;",
    replace: "if (greeting.versions.newest >= 0) continue;",
  }),
  slip("M464", "A level is raised although a member has come back with an older program since it was asked for", {
    file: "lib/node/membership/peer_directory.ts",
    find: "(common !== undefined && common >= level);",
    replace: "(common !== undefined && level > 0);",
  }),
  slip("M465", "A change of the members switches off what was on", {
    file: "lib/raft/membership.ts",
    find: "...(clusterId === undefined ? {} : { clusterId }), ...(level === undefined ? {} : { level }) };",
    replace: "...(clusterId === undefined ? {} : { clusterId }), ...(level === undefined ? {} : {}) };",
  }),
  slip("M466", "A record that holds a level looks like one of the program before", {
    file: "lib/storage/wal.ts",
    find: "version: namesLevel ? LEVEL_RECORD_VERSION : WAL_VERSION,",
    replace: "version: namesLevel && run.count === 0 ? LEVEL_RECORD_VERSION : WAL_VERSION,",
  }),
  slip("M467", "A snapshot that holds a level looks like one of the program before", {
    file: "lib/storage/snapshot_format.ts",
    find: "return level === undefined ? LEVELLESS_VERSION : UNCOMPRESSED_VERSION;",
    replace: "return level === undefined ? LEVELLESS_VERSION : LEVELLESS_VERSION;",
  }),
  slip("M468", "A directory is opened at a level that the program cannot", {
    file: "lib/storage/version_check.ts",
    find: "if (contents === undefined || level <= contents.levelMax) return;",
    replace: "if (contents === undefined || level >= 0) return;",
  }),
  {
    id: "M469",
    what: "A node says its newest version where programs that speak one look for it",
    patches: [{
      file: "lib/transport/control.ts",
      find: "version: versions.oldest,",
      replace: "version: versions.newest,",
    }],
    tests: ["tests/unit/transport/version_6_test.ts"],
  },
];
