/** What people are told of a backup that was taken. */

import type { BackupOutline } from "../../node/recovery/backup_file.ts";
import { count } from "./backup_text.ts";

/** One line; `where` says where it is. */
export function showOutline(
  { clusterId, index, term, keys, keyBytes, bytes }: BackupOutline,
  { where, address }: { readonly where: string; readonly address: string },
): string {
  return `${where}: cluster ${clusterId ?? "without an id"} at revision ${index} (term ${term}), ${
    count(keys, "key")
  } of ` +
    `${count(keyBytes, "byte")}, from ${address}; ${count(bytes, "byte")} in all\n`;
}
