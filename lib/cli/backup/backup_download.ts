/** Brings a backup of a running cluster into a file, over connections that may break. */

import type { LongAnswer } from "../../http/direct_download.ts";
import type { DiskFile } from "../../storage/disk.ts";
import { type AdminConnection, failureOf } from "../admin_connection.ts";
import { Failure } from "../failures.ts";

/** Attempts of one backup, the first included. */
export const BACKUP_ATTEMPTS_MAX = 5;
/** The pause before another attempt, in ms. */
export const BACKUP_PAUSE_MS = 1_000;

const PARTIAL = 206;
const TOO_MANY_REQUESTS = 429;

/** Where a backup goes. */
export interface BackupTarget {
  /** Empty at first. */
  readonly file: DiskFile;
  /** Says what has gone wrong, and what is done about it. */
  warn(line: string): void;
  /** Whether to go on as far as the node has it, and not to ask a majority. */
  readonly isStale: boolean;
  /** Hears how many bytes have come, and of how many. */
  onProgress?(received: number, total: number): void;
}

/** What has come of a backup: of which file, and how much. */
interface Progress {
  readonly tag: string;
  readonly total: number;
  received: number;
}

/** Resolves to the address of the node that the file came from. Throws `Failure` when the attempts are used up. */
export async function downloadBackup(
  admin: Pick<AdminConnection, "open" | "pause">,
  target: BackupTarget,
): Promise<string> {
  const path = `/v1/backup${target.isStale ? "?level=stale" : ""}`;
  let progress: Progress | undefined;
  let trouble = "";
  for (let attempt = 1; attempt <= BACKUP_ATTEMPTS_MAX; attempt++) {
    if (attempt > 1) {
      target.warn(`${trouble}; attempt ${attempt} of ${BACKUP_ATTEMPTS_MAX}`);
      await admin.pause(BACKUP_PAUSE_MS);
    }
    const reply = await admin.open(path, progress === undefined ? {} : rangeOf(progress));
    const { address, status, download } = reply;
    if (download === undefined) {
      const refusal = failureOf(reply);
      if (status !== TOO_MANY_REQUESTS) throw refusal;
      trouble = refusal.message;
      continue;
    }
    const isResumed = progress !== undefined && status === PARTIAL;
    if (progress !== undefined && !isResumed) target.warn(`${address} has a newer snapshot: beginning anew`);
    if (progress === undefined || !isResumed) progress = begin(download);
    try {
      await receive(download, target, progress);
    } finally {
      download.close();
    }
    if (progress.received === progress.total) return address;
    trouble = `The connection to ${address} broke after ${progress.received} of ${progress.total} bytes`;
  }
  throw new Failure(`No backup after ${BACKUP_ATTEMPTS_MAX} attempts: ${trouble}`);
}

function rangeOf({ tag, received }: Progress): Readonly<Record<string, string>> {
  return { Range: `bytes=${received}-`, "If-Range": tag };
}

function begin({ headers }: LongAnswer): Progress {
  const total = Number(headers.get("x-kv-snapshot-bytes"));
  if (!Number.isSafeInteger(total) || total < 1) {
    throw new Failure("What answered over HTTP is no KVStore node; --connect names others");
  }
  return { tag: headers.get("etag") ?? "", total, received: 0 };
}

/** Up to the end of the connection, however that came; what is too much is left. */
async function receive(download: LongAnswer, target: BackupTarget, progress: Progress): Promise<void> {
  const { file } = target;
  if (progress.received === 0 && file.size() > 0) file.truncate(0);
  while (progress.received < progress.total) {
    const piece = await nextOf(download);
    if (piece === undefined) return;
    const bytes = piece.subarray(0, progress.total - progress.received);
    file.writeAt(progress.received, bytes);
    progress.received += bytes.length;
    target.onProgress?.(progress.received, progress.total);
  }
}

/** A connection that breaks ends like one that ends. */
async function nextOf(download: LongAnswer): Promise<Uint8Array | undefined> {
  try {
    return await download.read();
  } catch {
    return undefined; // The caller sees that bytes are missing, and says so.
  }
}
