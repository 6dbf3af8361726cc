/** `kvstore import`: keys into a running cluster, from lines of JSON or from a Redis. */

import { textToByteString } from "../../base/bytes.ts";
import { AccessError } from "../../base/errors.ts";
import { STREAM } from "../backup/output_file.ts";
import { count } from "../backup/backup_text.ts";
import type { CommandContext } from "../command_context.ts";
import { readRedisCredentials } from "../credentials.ts";
import { EXIT } from "../failures.ts";
import { ProgressLine } from "../progress_line.ts";
import type { Settings } from "../settings.ts";
import { StopSignals } from "../signals.ts";
import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage_error.ts";
import { Importer, type OnExisting } from "./importer.ts";
import {
  type Deadlines,
  exitCodeOf,
  type ImportSource,
  type ImportWish,
  outcomeJson,
  runImport,
  showOutcome,
  showProgress,
} from "./import_run.ts";
import { LineSource } from "./line_source.ts";
import { RedisLink } from "./redis_link.ts";
import { RedisSource } from "./redis_source.ts";
import { openTarget } from "./target.ts";

const ON_EXISTING: readonly OnExisting[] = ["overwrite", "skip", "fail"];
const DEADLINES: readonly Deadlines[] = ["absolute", "relative", "drop"];

/** Runs to the end of what is read, or to a signal. Rejects with `Failure`, which says how far it came, `UsageError` and `AccessError`. */
export async function runImportCommand(context: CommandContext): Promise<number> {
  const { operands, settings } = context;
  const redis = settings.optionalText("from-redis");
  if (redis !== undefined) {
    if (operands.length > 0) throw new UsageError("--from-redis takes the place of the file; give one of both");
    return await importRedis(context, redis);
  }
  const alone = (["redis-user", "redis-password", "redis-password-file", "redis-db"] as const)
    .find((flag) => settings.given(flag) !== undefined);
  if (alone !== undefined) throw new UsageError(`--${alone} goes with --from-redis HOST:PORT`);
  const [path = STREAM, ...others] = operands;
  if (path === "" || others.length > 0) {
    throw new UsageError("import takes one file, or - for standard input, for example kvstore import export.ndjson");
  }
  if (path === STREAM) {
    return await importFrom(context, new LineSource({ path: "standard input", read: (to) => Deno.stdin.read(to) }));
  }
  using file = openFile(path);
  return await importFrom(context, new LineSource({ path, read: (to) => file.read(to) }));
}

async function importRedis(context: CommandContext, address: string): Promise<number> {
  const { settings, surroundings } = context;
  using link = await RedisLink.open(address, {
    credentials: readRedisCredentials(settings),
    database: settings.integer("redis-db"),
  });
  if (await link.isPartOfCluster()) {
    warn(
      surroundings,
      `${link.name} is a part of a Redis Cluster, and has its own keys alone: import every primary in turn`,
    );
  }
  return await importFrom(context, new RedisSource(link, { prefix: prefixOf(settings), now: Date.now }));
}

function warn({ err }: Surroundings, line: string): void {
  err(`kvstore: ${line}\n`);
}

function prefixOf(settings: Settings): string {
  return textToByteString(settings.optionalText("prefix") ?? "");
}

function openFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    throw new AccessError(path, { operation: "read", cause: error });
  }
}

async function importFrom(context: CommandContext, source: ImportSource): Promise<number> {
  const { settings, surroundings } = context;
  const wish: ImportWish = {
    prefix: prefixOf(settings),
    deadlines: DEADLINES.find((name) => name === settings.text("deadlines")) ?? "absolute",
    isDryRun: settings.enabled("dry-run"),
    now: Date.now,
  };
  const onExisting = ON_EXISTING.find((name) => name === settings.text("on-existing")) ?? "fail";
  const progress = new ProgressLine(surroundings);
  const client = await openTarget(context);
  const importer = new Importer(client, {
    onExisting,
    isDryRun: wish.isDryRun,
    onProgress: ({ place, written }) => progress.show(`${count(written, "key")} written, ${source.noun} ${place}`),
  });
  const { stop } = new StopSignals("terminal");
  const run = runImport(source, importer, wish).finally(() => progress.clear());
  const outcome = await Promise.race([run, stop]);
  if (outcome === undefined) {
    warn(surroundings, `Stopped; ${showProgress({ source, importer, wish })}`);
    return EXIT.interrupted;
  }
  await client.close();
  surroundings.out(
    settings.enabled("json") ? outcomeJson(outcome, source) : showOutcome(outcome, { source, isDryRun: wish.isDryRun }),
  );
  return exitCodeOf(outcome);
}
