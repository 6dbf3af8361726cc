/** `kvstore undo`: the keys of a prefix become what they were at a revision, as long as the cluster remembers it. */

import { bytesToString, byteStringToText, textToByteString } from "../../base/bytes.ts";
import { COMMAND_BYTES_MAX } from "../../kv/commands.ts";
import type { LongAnswer } from "../../http/direct_download.ts";
import { AdminConnection, failureOf } from "../admin_connection.ts";
import { count } from "../backup/backup_text.ts";
import { fieldsOf } from "../cluster_view.ts";
import type { CommandContext } from "../command_context.ts";
import { confirmOrThrow, type Person } from "../confirmation.ts";
import { EXIT, Failure } from "../failures.ts";
import { quoteForPeople, UsageError } from "../usage_error.ts";
import type { BackupKey, PrefixChange } from "./prefix_plan.ts";
import { numbersOf, showFirst, showNumbers } from "./prefix_restore_command.ts";
import { writeTogether } from "./prefix_writer.ts";
import { openTarget } from "./target.ts";

/** Bytes that one undo writes, with what stands around keys and values: a key with the longest value finds room. */
export const UNDO_BYTES_MAX = COMMAND_BYTES_MAX - 65_536;
/** What a key takes in a transaction beside its bytes, which stand there twice, and its value. */
const KEY_BYTES = 128;
/** Longest page of the past, in bytes of JSON: the target of a page and a longest value, each byte of which JSON may write as six. */
const PAGE_JSON_BYTES_MAX = 67_108_864;
const STRANGER = "What answered over HTTP is no KVStore node; --connect names others";
const OK = 200;
const GONE = 410;

/** Shows what would change, asks, and does it as one transaction. Throws `UsageError` and `Failure`. */
export async function runUndoCommand(
  context: CommandContext,
  asked: { readonly person?: Person } = {},
): Promise<number> {
  const { settings, surroundings, operands } = context;
  const text = settings.optionalText("prefix");
  const revision = settings.optionalInteger("to");
  if (operands.length > 0 || text === undefined || revision === undefined) {
    throw new UsageError("undo takes a prefix and a revision, for example kvstore undo --prefix app: --to 1234");
  }
  const admin = new AdminConnection(context);
  const { changes, wanted } = await planUndo(admin, { prefix: text, revision });
  const isDry = settings.enabled("dry-run");
  const head = `Keys that begin with ${quoteForPeople(text)}, back to revision ${revision}: ${showNumbers(changes)}`;
  const shown = `${head}\n${showFirst(changes)}`;
  if (changes.length > 0 && !isDry) {
    confirmOrThrow(context, shown.trimEnd(), asked);
    const client = await openTarget(context);
    const failed = await writeTogether(client, changes, (key) => wanted.get(key));
    await client.close();
    if (failed?.exitCode === EXIT.failure) throw new Failure(`${failed.message}; nothing was changed`, failed.exitCode);
    if (failed !== undefined) throw failed;
  } else if (!settings.enabled("json")) surroundings.out(shown);
  if (settings.enabled("json")) {
    surroundings.out(`${JSON.stringify({ prefix: text, revision, ...numbersOf(changes), done: !isDry })}\n`);
  } else {
    surroundings.out(
      isDry || changes.length === 0 ? "Nothing was changed\n" : `Made ${count(changes.length, "change")}\n`,
    );
  }
  return EXIT.ok;
}

/** What is to be changed, and what the keys shall be that are to be there. */
interface UndoPlan {
  readonly changes: readonly PrefixChange[];
  readonly wanted: ReadonlyMap<string, BackupKey>;
}

async function planUndo(
  admin: AdminConnection,
  { prefix, revision }: { readonly prefix: string; readonly revision: number },
): Promise<UndoPlan> {
  const changes: PrefixChange[] = [];
  const wanted = new Map<string, BackupKey>();
  let bytes = 0;
  let after: string | undefined;
  for (let more = true; more;) {
    const query = [`prefix=${escaped(textToByteString(prefix))}`, `since=${revision}`];
    if (after !== undefined) query.push(`after=${escaped(after)}`);
    const page = await readPage(admin, `/v1/history?${query.join("&")}`);
    for (const { key, modified, before } of page.items) {
      changes.push({ type: before === undefined ? "Remove" : modified === 0 ? "Add" : "Change", key, modified });
      if (before !== undefined) wanted.set(key, before);
      bytes += KEY_BYTES + 2 * key.length + (before?.value.length ?? 0);
      after = key;
    }
    if (bytes > UNDO_BYTES_MAX) {
      throw new Failure(
        `More has changed than one transaction writes back (${UNDO_BYTES_MAX} bytes); give a longer --prefix`,
      );
    }
    more = page.more;
  }
  return { changes, wanted };
}

interface PastKey {
  readonly key: string;
  readonly modified: number;
  /** Undefined for a key that was not there. */
  readonly before: BackupKey | undefined;
}

async function readPage(
  admin: AdminConnection,
  path: string,
): Promise<{ readonly items: readonly PastKey[]; readonly more: boolean }> {
  const reply = await admin.open(path, {});
  const { oldest } = fieldsOf(reply.json);
  if (reply.status === GONE) {
    const known = `the oldest revision that is remembered is ${String(oldest)}`;
    throw new Failure(
      `That is too long ago: ${known}; kvstore restore FILE --prefix PREFIX brings keys back from a backup`,
    );
  }
  if (reply.download === undefined || reply.status !== OK) throw failureOf(reply);
  const { items, more } = fieldsOf(await takeJson(reply.download, reply.address));
  if (!Array.isArray(items)) throw new Failure(STRANGER);
  return { items: items.map((item) => readItem(fieldsOf(item))), more: more === true };
}

async function takeJson(download: LongAnswer, address: string): Promise<unknown> {
  let text = "";
  try {
    for (let piece = await download.read(); piece !== undefined; piece = await download.read()) {
      text += bytesToString(piece);
      if (text.length > PAGE_JSON_BYTES_MAX) throw new Failure(STRANGER);
    }
    return JSON.parse(byteStringToText(text) ?? "");
  } catch (error) {
    if (error instanceof Failure) throw error;
    // The end of the connection is that of the page: one that breaks may look like one that ends, and half a page is no JSON.
    throw new Failure(`The connection to ${address} broke; nothing was changed`);
  } finally {
    download.close();
  }
}

function readItem(item: ReturnType<typeof fieldsOf>): PastKey {
  const key = readBytes(item, "key");
  const modified = Number(item["mod_revision"]);
  if (item["before"] === null) return { key, modified, before: undefined };
  const before = fieldsOf(item["before"]);
  const { expires_at: deadline } = before;
  return {
    key,
    modified,
    before: { key, value: readBytes(before, "value"), deadline: typeof deadline === "number" ? deadline : undefined },
  };
}

function readBytes(item: ReturnType<typeof fieldsOf>, name: string): string {
  const encoded = item[`${name}_base64`];
  return typeof encoded === "string" ? atob(encoded) : textToByteString(String(item[name]));
}

/** A byte string in a query. */
function escaped(bytes: string): string {
  return Array.from(bytes, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
}
