/** What brings the keys of a prefix back to what a backup holds: both are gone through in byte order, side by side. */

import { bytesToString, stringToBytes } from "../../base/bytes.ts";
import type { Client } from "../../client/client.ts";
import { bytesOrNull, integerOf, revisionOf } from "../../client/entries.ts";

/** Keys that are looked at more closely at once. */
export const LOOKS_MAX = 256;

/** A key of the backup; byte strings. */
export interface BackupKey {
  readonly key: string;
  readonly value: string;
  /** In ms since 1970; undefined for none. */
  readonly deadline: number | undefined;
}

/** One difference. */
export interface PrefixChange {
  readonly type: "Add" | "Change" | "Remove";
  /** A byte string. */
  readonly key: string;
  /** The revision of its last change in the cluster; 0 where it is not there. Nothing is written over a later one. */
  readonly modified: number;
}

/** All differences, and how many keys are the same. */
export interface PrefixPlan {
  readonly changes: readonly PrefixChange[];
  readonly same: number;
}

/** A key of the backup, of the cluster, or of both. */
interface Pair {
  readonly key: string;
  readonly backup: BackupKey | undefined;
}

/** Compares what is wanted with the keys that are there, both in byte order. Rejects with what the client throws. */
export async function planPrefix(
  client: Pick<Client, "txn">,
  { wanted, found }: { readonly wanted: Iterable<BackupKey>; readonly found: AsyncIterable<Uint8Array> },
): Promise<PrefixPlan> {
  const changes: PrefixChange[] = [];
  let same = 0;
  let pairs: Pair[] = [];
  const lookAtAll = async () => {
    for (const change of await Promise.all(pairs.map((pair) => look(client, pair)))) {
      if (change === undefined) same += 1;
      else changes.push(change);
    }
    pairs = [];
  };
  for await (const pair of sideBySide(wanted, found)) {
    pairs.push(pair);
    if (pairs.length >= LOOKS_MAX) await lookAtAll();
  }
  await lookAtAll();
  return { changes, same };
}

async function* sideBySide(wanted: Iterable<BackupKey>, found: AsyncIterable<Uint8Array>): AsyncGenerator<Pair> {
  const backups = wanted[Symbol.iterator]();
  let backup = backups.next();
  for await (const bytes of found) {
    const key = bytesToString(bytes);
    while (backup.done !== true && backup.value.key < key) {
      yield { key: backup.value.key, backup: backup.value };
      backup = backups.next();
    }
    const isBoth = backup.done !== true && backup.value.key === key;
    yield { key, backup: isBoth ? backup.value : undefined };
    if (isBoth) backup = backups.next();
  }
  for (; backup.done !== true; backup = backups.next()) yield { key: backup.value.key, backup: backup.value };
}

/** Value, deadline and revision are of one moment. Undefined where nothing is to be done. */
async function look(client: Pick<Client, "txn">, { key, backup }: Pair): Promise<PrefixChange | undefined> {
  const bytes = stringToBytes(key);
  const { replies: [revision, found, deadline] } = await client.txn({
    then: [["REVISION", bytes], ["GET", bytes], ["PEXPIRETIME", bytes]],
  });
  const value = bytesOrNull(found);
  const modified = revisionOf(revision)?.modified ?? 0;
  if (backup === undefined) return value === null ? undefined : { type: "Remove", key, modified };
  if (value === null) return { type: "Add", key, modified };
  const at = Number(integerOf(deadline));
  const isSame = bytesToString(value) === backup.value && (at < 0 ? undefined : at) === backup.deadline;
  return isSame ? undefined : { type: "Change", key, modified };
}
