/** What a start makes of a directory, as texts that can be compared and kept. */

import { entriesIn } from "../support/runs.ts";
import { CorruptionError } from "../../lib/base/errors.ts";
import type { Disk } from "../../lib/storage/disk.ts";
import type { HardState } from "../../lib/raft/types.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { open } from "../unit/storage/support.ts";
import { asGiven } from "./encryption.ts";
import { type KnownSnapshot, logText, NO_SNAPSHOT } from "./history.ts";
import { bytesToString } from "../../lib/base/bytes.ts";

/** What was found. Two starts that find the same give deeply equal values. */
export interface Found {
  readonly hardState: HardState;
  readonly snapshot: KnownSnapshot;
  /** See `logText`. */
  readonly log: string;
  /** Term of the last entry, or that of the snapshot. */
  readonly lastTerm: number;
  readonly lastIndex: number;
  /** Owner and first configuration. */
  readonly owner: string;
}

/** The result of a start. */
export type Outcome =
  | { readonly type: "Opened"; readonly found: Found }
  /** Damage, named. */
  | { readonly type: "Refused"; readonly error: CorruptionError }
  /** Any other error: always a defect. */
  | { readonly type: "Failed"; readonly error: unknown };

/** A start: what was found, and the storage if it opened. */
export interface Started {
  readonly outcome: Outcome;
  readonly storage: Storage | undefined;
}

/** Long texts that many starts give are kept once. */
const TEXTS = new Map<string, string>();

/** Starts on `disk` and tells what came of it. Never rejects. */
export async function start(disk: Disk, segmentBytes: number): Promise<Started> {
  try {
    const storage = await open(asGiven(disk), { segmentBytes });
    return { outcome: { type: "Opened", found: describe(storage) }, storage };
  } catch (error) {
    const outcome: Outcome = error instanceof CorruptionError ? { type: "Refused", error } : { type: "Failed", error };
    return { outcome, storage: undefined };
  }
}

/** What an open storage has recovered, the content of its newest snapshot included. */
export function describe(storage: Storage): Found {
  const { ownership, hardState, snapshot, runs, initialConfiguration } = storage.recovered;
  const entries = entriesIn(runs);
  const last = entries.at(-1) ?? snapshot?.lastIncluded;
  return {
    hardState,
    snapshot: snapshot === undefined ? NO_SNAPSHOT : { id: snapshot.lastIncluded, content: readContent(storage) },
    log: kept(logText(entries)),
    lastTerm: last?.term ?? 0,
    lastIndex: last?.index ?? 0,
    owner: kept(JSON.stringify([ownership, initialConfiguration])),
  };
}

/** The error of a start, or "" when it opened. */
export function errorText(outcome: Outcome): string {
  return outcome.type === "Opened" ? "" : `${outcome.type}: ${String(outcome.error)}`;
}

function readContent(storage: Storage): string {
  const source = storage.openSnapshot();
  if (source === undefined) return "the snapshot cannot be opened";
  try {
    return kept(Array.from(source.blocks(), (block) => bytesToString(block)).join(""));
  } finally {
    source.close();
  }
}

function kept(text: string): string {
  const known = TEXTS.get(text);
  if (known === undefined) TEXTS.set(text, text);
  return known ?? text;
}
