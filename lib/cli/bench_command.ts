/** `kvstore bench`: the load generator. */

import { textToByteString } from "../base/bytes.ts";
import { speaksTls, TlsError } from "../base/dial.ts";
import { LOAD_COMMANDS, LoadError, type LoadOptions, type LoadProgress } from "../load/options.ts";
import { runLoad } from "../load/run_load.ts";
import { showLoadJson, showLoadText, showProgress } from "./bench_report.ts";
import { clientTrust, TLS_PROBE_MS, tlsFailureLine, tlsIsSpokenLine } from "./client_tls.ts";
import type { CommandContext } from "./command_context.ts";
import { readCredentials } from "./credentials.ts";
import { EXIT, Failure } from "./failures.ts";
import { showAddress } from "./peers.ts";
import { ProgressLine } from "./progress_line.ts";
import type { Settings } from "./settings.ts";
import { readConnectList } from "./shell/connections.ts";
import { StopSignals } from "./signals.ts";
import { UsageError } from "./usage_error.ts";

const SECONDS_DEFAULT = 10;

/** Runs one load. Resolves to 1 when no request succeeded. Throws `Failure` when no node can be reached. */
export async function runBenchCommand(context: CommandContext): Promise<number> {
  const { settings, surroundings } = context;
  const trust = clientTrust(context);
  const options = readLoadOptions(settings, { trust });
  const progress = new ProgressLine(surroundings);
  const signals = new StopSignals("terminal");
  void signals.kill.then(() => Deno.exit(EXIT.interrupted));
  const onProgress = (done: LoadProgress) => progress.show(showProgress(done));
  try {
    const result = await runLoad({ ...options, stop: signals.stop, ...(progress.isShown ? { onProgress } : {}) });
    progress.clear();
    if (result.requests === 0 && trust === undefined) await refuseTls(options);
    const show = settings.enabled("json") ? showLoadJson : showLoadText;
    surroundings.out(show(options, result));
    return result.requests > 0 ? EXIT.ok : EXIT.failure;
  } catch (error) {
    if (error instanceof LoadError) throw new Failure(error.message);
    if (error instanceof TlsError) throw new Failure(tlsFailureLine(error));
    throw error;
  }
}

/** Throws `Failure` where a server that answered nothing speaks TLS. */
async function refuseTls({ addresses }: LoadOptions): Promise<void> {
  for (const address of addresses) {
    if (await speaksTls(address, TLS_PROBE_MS)) {
      throw new Failure(tlsIsSpokenLine(showAddress(address.hostname, address.port)));
    }
  }
}

function loginOf(settings: Settings): LoadOptions["login"] {
  const credentials = readCredentials(settings);
  if (credentials === undefined) return undefined;
  return { user: textToByteString(credentials.name), password: textToByteString(credentials.password) };
}

/** What the flags ask for. Throws `UsageError`. */
export function readLoadOptions(settings: Settings, { trust }: Pick<LoadOptions, "trust"> = {}): LoadOptions {
  const seconds = settings.optionalInteger("duration");
  const requests = settings.optionalInteger("requests");
  if (seconds !== undefined && requests !== undefined) {
    throw new UsageError("--duration and --requests exclude each other; give the one at which the run ends");
  }
  const command = LOAD_COMMANDS.find((name) => name === settings.text("command")) ?? "set";
  return {
    addresses: readConnectList(settings.text("connect"), { keepsNames: trust !== undefined }),
    ...(trust === undefined ? {} : { trust }),
    connections: settings.integer("connections"),
    pipeline: settings.integer("pipeline"),
    command,
    valueBytes: settings.integer("value-bytes"),
    keys: settings.integer("keys"),
    keyOrder: settings.enabled("sequential") ? "sequential" : "random",
    readShare: settings.decimal("read-share"),
    rate: settings.optionalInteger("rate"),
    limit: requests === undefined ? { seconds: seconds ?? SECONDS_DEFAULT } : { requests },
    warmupSeconds: settings.decimal("warmup"),
    seed: settings.integer("seed"),
    login: loginOf(settings),
  };
}
