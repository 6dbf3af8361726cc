/** Crash images: told apart by their content, and started on. */

import { Run } from "../../lib/raft/run.ts";
import { createHash } from "node:crypto";
import { assertEquals, assertExists } from "@std/assert";
import { toTerm } from "../../lib/raft/types.ts";
import type { MemoryDisk } from "../support/memory/memory_disk.ts";
import { logText } from "./history.ts";
import { assertSame } from "./judge.ts";
import { start, type Started } from "./outcome.ts";
import { entriesOf } from "./session.ts";

/** A term that no workload reaches. */
const LATER_TERM = 99;

/** Equal for two images exactly when a start cannot tell them apart: the content of temporary files is left out. */
export function fingerprint(image: MemoryDisk): string {
  const hash = createHash("md5");
  for (const [path, bytes] of image.files()) {
    hash.update(`${path}:${path.endsWith(".tmp") ? 0 : bytes.length}\n`);
    if (!path.endsWith(".tmp") && bytes.length > 0) hash.update(bytes);
  }
  return hash.digest("base64");
}

/** One of `every` fingerprints, always the same. */
export function isChosen(key: string, every: number): boolean {
  let sum = 0;
  for (let at = 0; at < 6; at++) sum = sum * 61 + key.charCodeAt(at);
  return sum % every === 0;
}

/** Starts on `image`. Throws when the start reads a temporary file: then their content would have to be enumerated too. */
export async function startOn(image: MemoryDisk, segmentBytes: number): Promise<Started> {
  const read = new Set<string>();
  image.hooks.failRead = (path) => {
    if (path.endsWith(".tmp")) read.add(path);
    return false;
  };
  const started = await start(image, segmentBytes);
  image.hooks.failRead = undefined;
  assertEquals(Array.from(read), [], "A start read a temporary file");
  return started;
}

/**
 * Uses what a start has recovered: starts again and finds the same, appends, and finds that again when power fails right
 * after the acknowledgement. `image` is left as it is then.
 */
export async function useAgain(image: MemoryDisk, first: Started, segmentBytes: number): Promise<void> {
  if (first.outcome.type !== "Opened") return;
  const { found } = first.outcome;
  await first.storage?.close();
  const { outcome, storage } = await startOn(image, segmentBytes);
  assertSame(outcome, found, "A second start");
  assertExists(storage);
  assertEquals(storage.recovered.tornBytes, 0, "torn bytes at the second start");
  const more = entriesOf(found.lastIndex + 1, LATER_TERM, 3, 100);
  storage.append(Run.of(more.slice(0, 1)));
  await storage.sync();
  storage.append(Run.of(more.slice(1)));
  await storage.sync();
  const hardState = { currentTerm: toTerm(LATER_TERM), votedFor: 5 };
  await storage.saveHardState(hardState);
  const log = found.log === "" ? logText(more) : `${found.log}\n${logText(more)}`;
  const third = await startOn(image.crash(), segmentBytes);
  const lastIndex = found.lastIndex + more.length;
  assertSame(third.outcome, { ...found, hardState, log, lastTerm: LATER_TERM, lastIndex }, "A start after two appends");
}
