/** `kvstore restore FILE --prefix P`: the keys of a prefix of a running cluster become what a backup holds. */

import { stringToBytes, textToByteString } from "../../base/bytes.ts";
import { describeBackup, type LoadedBackup } from "../../node/recovery/backup_file.ts";
import { count, showBackup } from "../backup/backup_text.ts";
import { readBackupFile } from "../backup/verify_command.ts";
import type { CommandContext } from "../command_context.ts";
import { confirmOrThrow } from "../confirmation.ts";
import { EXIT } from "../failures.ts";
import { readMasterKeys } from "../master_key.ts";
import type { Settings } from "../settings.ts";
import { quoteForPeople, UsageError } from "../usage_error.ts";
import { showKey } from "./import_run.ts";
import { type BackupKey, planPrefix, type PrefixChange, type PrefixPlan } from "./prefix_plan.ts";
import { writePlan } from "./prefix_writer.ts";
import { clientFailure, openTarget } from "./target.ts";

/** Keys that are shown of each kind of change. */
export const SHOWN_CHANGES_MAX = 5;
const KINDS = [["Add", "added", "add"], ["Change", "changed", "change"], ["Remove", "removed", "remove"]] as const;

/** Shows what would change, asks, and does it. Rejects as `loadBackup` does, and with `UsageError` and `Failure`. */
export async function runPrefixRestore(context: CommandContext, path: string): Promise<number> {
  const { settings, surroundings } = context;
  if (settings.given("data-dir") !== undefined) {
    throw new UsageError("--prefix goes into a running cluster, --data-dir makes a new one; give one of both");
  }
  const text = settings.optionalText("prefix") ?? "";
  const backup = await readBackupFile(path, await readMasterKeys(settings));
  const client = await openTarget(context);
  const lookup = lookupOf(backup, settings);
  const prefix = textToByteString(text);
  const plan = await planPrefix(client, {
    wanted: lookup.keys(prefix),
    found: client.scan({ prefix: stringToBytes(prefix), keysOnly: true }),
  }).catch((error) => {
    throw clientFailure(error) ?? error;
  });
  const isDry = settings.enabled("dry-run");
  const shown = `${path}: ${showBackup(describeBackup(backup))}${showPlan(plan, text)}`;
  if (plan.changes.length > 0 && !isDry) {
    confirmOrThrow(context, shown.trimEnd());
    await writePlan(client, { changes: plan.changes, lookup: lookup.get });
  } else if (!settings.enabled("json")) surroundings.out(shown);
  await client.close();
  if (settings.enabled("json")) {
    surroundings.out(
      `${JSON.stringify({ file: path, prefix: text, ...numbersOf(plan.changes), same: plan.same, done: !isDry })}\n`,
    );
  } else {
    surroundings.out(
      isDry || plan.changes.length === 0 ? "Nothing was changed\n" : `Made ${count(plan.changes.length, "change")}\n`,
    );
  }
  return EXIT.ok;
}

/** The keys of a backup that are to be there now. */
function lookupOf({ state }: LoadedBackup, settings: Settings) {
  const dropsDeadlines = settings.enabled("drop-deadlines");
  const nowMs = Date.now();
  const read = (key: string, { value, expiresAt }: { value: string; expiresAt: number | undefined }) => {
    if (dropsDeadlines || expiresAt === undefined) return { key, value, deadline: undefined };
    return expiresAt <= nowMs ? undefined : { key, value, deadline: expiresAt };
  };
  return {
    get: (key: string): BackupKey | undefined => {
      const record = state.get(key);
      return record === undefined ? undefined : read(key, record);
    },
    *keys(prefix: string): Generator<BackupKey> {
      for (const [key, record] of state.records(prefix)) {
        if (!key.startsWith(prefix)) return;
        const wanted = read(key, record);
        if (wanted !== undefined) yield wanted;
      }
    },
  };
}

/** How many changes there are of each kind, by the names that they have in JSON. */
export function numbersOf(changes: readonly PrefixChange[]): Readonly<Record<string, number>> {
  return Object.fromEntries(KINDS.map(([type, name]) => [name, ofType(changes, type).length]));
}

function ofType(changes: readonly PrefixChange[], type: PrefixChange["type"]): readonly PrefixChange[] {
  return changes.filter((change) => change.type === type);
}

function showPlan({ changes, same }: PrefixPlan, prefix: string): string {
  const head = `Keys of the cluster that begin with ${quoteForPeople(prefix)}: ${
    showNumbers(changes)
  }, ${same} the same`;
  return `${head}\n${showFirst(changes)}`;
}

/** How many changes there are of each kind. */
export function showNumbers(changes: readonly PrefixChange[]): string {
  const [added, changed, removed] = KINDS.map(([type]) => ofType(changes, type).length);
  return `${added} to add, ${changed} to change, ${removed} to remove`;
}

/** The first keys of each kind, a line each. */
export function showFirst(changes: readonly PrefixChange[]): string {
  return KINDS.flatMap(([type, , word]) => {
    const keys = ofType(changes, type);
    const first = keys.slice(0, SHOWN_CHANGES_MAX).map(({ key }) => `  ${word} ${showKey(key)}\n`);
    const more = keys.length - first.length;
    return more === 0 ? first : [...first, `  ${word} ${more} more\n`];
  }).join("");
}
