/** Makes the changes of a plan in transactions, each of which changes nothing where a key has changed since the plan was made. */

import { stringToBytes } from "../../base/bytes.ts";
import type { Client } from "../../client/client.ts";
import { ServerError } from "../../client/errors.ts";
import type { Word } from "../../client/words.ts";
import { count } from "../backup/backup_text.ts";
import { Failure } from "../failures.ts";
import { BATCH_BYTES_MAX, BATCH_KEYS_MAX, BATCH_MS_MAX } from "./importer.ts";
import type { BackupKey, PrefixChange } from "./prefix_plan.ts";
import { clientFailure } from "./target.ts";

/** Where the values of a backup are; undefined for a key that it has not. */
export type BackupLookup = (key: string) => BackupKey | undefined;

/** Makes them in order. Throws `Failure`, which says how many are made; given again, the rest is planned anew. */
export async function writePlan(
  client: Pick<Client, "txn">,
  { changes, lookup }: { readonly changes: readonly PrefixChange[]; readonly lookup: BackupLookup },
): Promise<void> {
  let done = 0;
  for (const batch of inBatches(changes, lookup)) {
    const failed = await writeTogether(client, batch, lookup);
    if (failed !== undefined) {
      const made = `${done} of ${count(changes.length, "change")} made; give the command again`;
      throw new Failure(`${failed.message}; ${made}`, failed.exitCode);
    }
    done += batch.length;
  }
}

/** Makes changes in one transaction. What kept it from that, and then none is made or the outcome is unknown; undefined for nothing. */
export async function writeTogether(
  client: Pick<Client, "txn">,
  batch: readonly PrefixChange[],
  lookup: BackupLookup,
): Promise<Failure | undefined> {
  try {
    const { succeeded, replies } = await client.txn({
      if: batch.map(({ key, modified }) => {
        return { key: stringToBytes(key), field: "modified", is: "=", operand: modified } as const;
      }),
      then: batch.map((change) => wordsOf(change, lookup)),
    }, { timeoutMs: BATCH_MS_MAX });
    const refused = replies.find((reply) => reply instanceof ServerError);
    if (refused instanceof ServerError) throw refused;
    return succeeded ? undefined : new Failure("Keys were written since the changes were shown");
  } catch (error) {
    const failure = clientFailure(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

function wordsOf({ key }: PrefixChange, lookup: BackupLookup): readonly Word[] {
  const backup = lookup(key);
  if (backup === undefined) return ["DEL", stringToBytes(key)];
  const times: readonly Word[] = backup.deadline === undefined ? [] : ["PXAT", backup.deadline];
  return ["SET", stringToBytes(key), stringToBytes(backup.value), ...times];
}

function* inBatches(changes: readonly PrefixChange[], lookup: BackupLookup): Generator<readonly PrefixChange[]> {
  let [batch, bytes]: [PrefixChange[], number] = [[], 0];
  for (const change of changes) {
    const size = 2 * change.key.length + (lookup(change.key)?.value.length ?? 0);
    if (batch.length >= BATCH_KEYS_MAX || (batch.length > 0 && bytes + size > BATCH_BYTES_MAX)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(change);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
