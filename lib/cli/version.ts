/** What the program says of itself: its version, what it was made of, and the formats that it reads and writes. */

import { COMMAND_VERSION } from "../kv/commands.ts";
import { SNAPSHOT_FORMAT } from "../kv/snapshot_cut.ts";
import { VERSION } from "../observe/version.ts";
import { NODE_FILE_FORMAT } from "../storage/node_file.ts";
import { SNAPSHOT_VERSION } from "../storage/snapshot_format.ts";
import { LEVEL_RECORD_VERSION } from "../storage/wal_format.ts";
import { SPOKEN_VERSIONS } from "../transport/versions.ts";

/** What `.ci/build` writes into the executable; a program that runs from its source, or was compiled by hand, has none of it. */
interface Build {
  /** 40 hex digits of git, with `-modified` behind them where files had changed; undefined when it is not known. */
  readonly commit: string | undefined;
  /** ISO 8601. */
  readonly time: string | undefined;
}

const BUILD_FILE = new URL("../../dist/build.json", import.meta.url);
const UNKNOWN: Build = { commit: undefined, time: undefined };

/** `kvstore 0.1.0 (deno 2.9.6, v8 15.0, linux x86_64)`. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  return `kvstore ${VERSION} (deno ${deno}, v8 ${v8}, ${Deno.build.os} ${Deno.build.arch})`;
}

/** The same and more as JSON, one object on several lines. */
export function versionJson(): string {
  const { commit, time } = readBuild();
  const { deno, v8 } = Deno.version;
  const about = {
    version: VERSION,
    commit: commit ?? null,
    built: time ?? null,
    // What lies on disk: the newest. Of log and snapshot the one before is written until the level of the cluster has risen.
    formats: {
      node: NODE_FILE_FORMAT,
      log: LEVEL_RECORD_VERSION,
      snapshot: SNAPSHOT_VERSION,
      state: SNAPSHOT_FORMAT,
      command: COMMAND_VERSION,
    },
    // Between nodes: each version from the oldest to this one is spoken.
    protocol: SPOKEN_VERSIONS.newest,
    oldestProtocol: SPOKEN_VERSIONS.oldest,
    runtime: { deno, v8 },
    system: { os: Deno.build.os, arch: Deno.build.arch },
  };
  return `${JSON.stringify(about, undefined, 2)}\n`;
}

/** Only within an executable: beside the source an old build may have left its file. */
function readBuild(): Build {
  if (!Deno.build.standalone) return UNKNOWN;
  let text: string;
  try {
    text = Deno.readTextFileSync(BUILD_FILE);
  } catch (error) {
    // Compiled by hand, without the file.
    if (error instanceof Deno.errors.NotFound) return UNKNOWN;
    throw error;
  }
  const { commit, time }: Readonly<Record<string, unknown>> = JSON.parse(text);
  return {
    commit: typeof commit === "string" ? commit : undefined,
    time: typeof time === "string" ? time : undefined,
  };
}
