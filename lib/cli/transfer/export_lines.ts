/** The keys of a snapshot file as the lines of an export. */

import { bytesToString, stringToBytes } from "../../base/bytes.ts";
import { nextTurn } from "../../base/clock.ts";
import { isKeyBlock, readJsonBlock, readKeyBlock } from "../../kv/snapshot_blocks.ts";
import { SystemClock } from "../../node/clock/system_clock.ts";
import { readSnapshot, type SnapshotHead, type SnapshotInput } from "../../storage/snapshot_format.ts";
import type { Span } from "../../store/span.ts";
import { endLine, headLine, recordLine } from "./record_line.ts";

/** Lines are written when they have so many bytes, or more where the last is long. */
const WRITE_BYTES = 262_144;

/** What is taken of a snapshot, and where the lines go. */
export interface LinesTarget {
  /** A byte string that keys begin with. */
  readonly prefix: string;
  /** In ms since 1970. */
  readonly now: () => number;
  /** Takes the next bytes, and keeps none of them. */
  write(bytes: Uint8Array): void;
  /** Hears how many keys of the snapshot were looked at. */
  onProgress(keys: number): void;
}

/** What was written. */
export interface Exported {
  readonly clusterId: string | null;
  readonly revision: number;
  readonly keys: number;
}

/**
 * Writes a head, a line for each key whose deadline has not passed, in no order, and an end, with a turn of the event loop between blocks. The file
 * has been verified before. Throws `CorruptionError`, and what `write` throws.
 */
export async function writeLines(file: SnapshotInput, target: LinesTarget): Promise<Exported> {
  const clock = new SystemClock();
  let head: SnapshotHead | undefined;
  let timeMs = target.now();
  let [keys, looked] = [0, 0];
  let lines: string[] = [];
  let pending = 0;
  const add = (line: string) => {
    lines.push(line);
    pending += line.length;
    if (pending >= WRITE_BYTES) flush();
  };
  const flush = () => {
    target.write(stringToBytes(lines.join("")));
    [lines, pending] = [[], 0];
  };
  let isFirst = true;
  for (const block of readSnapshot(file, (found) => head = found)) {
    if (isFirst) {
      timeMs = Math.max(timeMs, timeOf(block));
      add(headLine({ ...describe(head), timeMs }));
    } else if (isKeyBlock(block)) {
      readKeyBlock(block, ({ key, value, deadline }) => {
        looked += 1;
        if ((deadline !== 0 && deadline <= timeMs) || !startsWith(key, target.prefix)) return true;
        keys += 1;
        add(recordLine({ key: text(key), value: text(value), deadline }, { timeMs }));
        return true;
      });
      target.onProgress(looked);
      await nextTurn(clock);
    }
    isFirst = false;
  }
  add(endLine(keys));
  flush();
  return { ...describe(head), keys };
}

/** The cluster's time, in ms since 1970: a clock of this machine that is behind it brings no key to life again. */
function timeOf(first: Uint8Array): number {
  const { timeMs } = readJsonBlock(first) ?? {};
  return typeof timeMs === "number" ? timeMs : 0;
}

function describe(head: SnapshotHead | undefined): Pick<Exported, "clusterId" | "revision"> {
  return { clusterId: head?.configuration.clusterId ?? null, revision: head?.lastIncluded.index ?? 0 };
}

function text({ bytes, start, end }: Span): string {
  return bytesToString(bytes, start, end);
}

function startsWith(key: Span, prefix: string): boolean {
  return key.length >= prefix.length && bytesToString(key.bytes, key.start, key.start + prefix.length) === prefix;
}
