/** Takes several requests from the input of a connection at once, where nothing about them or their client is out of the ordinary. */

import { findCommand, UNKNOWN_COMMAND } from "./commands.ts";
import type { Caller } from "./plan.ts";
import { readReadRun, type ReadRun } from "./read_run.ts";
import type { RequestReader } from "./request_reader.ts";
import { readWriteRun, type WriteRun } from "./write_run.ts";

/** Where requests come from, and how many of them may be taken. */
export interface RunSource {
  readonly input: RequestReader;
  readonly countMax: number;
}

/** Writes, or reads, that came together; undefined where the next request is to be taken alone. */
export function takeRun({ client, context, transaction }: Caller, source: RunSource): WriteRun | ReadRun | undefined {
  const { gate, clusterMode, keyBytesMax, valueBytesMax, turns, metrics } = context;
  if (clusterMode || transaction.isOpen || client.replies !== "On" || !gate.admitsToKeys(client.login)) {
    return undefined;
  }
  const { input, countMax } = source;
  const ahead = input.ahead();
  const bounds = { login: client.origin.login, countMax, keyBytesMax, valueBytesMax };
  const run = readWriteRun(ahead, bounds) ?? readReadRun(ahead, bounds);
  if (run === undefined) return undefined;
  input.pass(run.requestBytes, run.count);
  turns.takeMore(run.count - 1);
  metrics.received.add(run.count);
  const entry = findCommand(run.name);
  client.commandNumber = entry?.number ?? UNKNOWN_COMMAND;
  client.path = entry?.path ?? "";
  client.isRejected = false;
  return run;
}
