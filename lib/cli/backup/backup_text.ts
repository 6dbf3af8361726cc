/** What people are told of a backup. */

import type { BackupFacts } from "../../node/recovery/backup_file.ts";

/** The rest of a sentence, and the lines behind it. */
export function showBackup(facts: BackupFacts): string {
  const { clusterId, index, term, timeMs, keys, expiring, keyBytes, sessions, users, digest } = facts;
  const time = timeMs === 0 ? "no time yet" : new Date(timeMs).toISOString();
  return [
    `a backup of cluster ${clusterId ?? "without an id"} at revision ${index} (term ${term}, ${time})\n`,
    `  ${count(keys, "key")} of ${count(keyBytes, "byte")} with their values, ${expiring} with a deadline\n`,
    `  ${count(sessions, "session")}, ${count(users, "user")}, digest of the state ${digest}\n`,
    `  ${showSize(facts)}\n`,
  ].join("");
}

function showSize({ bytes, blocks, compression, plainBytes }: BackupFacts): string {
  const how = compression === "off" ? "not compressed" : `${plainBytes} before compression with ${compression}`;
  return `${count(bytes, "byte")} in ${count(blocks, "block")}, ${how}`;
}

/** A number with its noun. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
