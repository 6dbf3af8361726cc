/** A local cluster started by the launcher itself, on free ports and in a directory of its own. */

import { findFreeRun } from "./ports.ts";
import { programLine } from "./program.ts";
import { ServerProcess } from "./server_process.ts";

const [NODES, HTTP_OFFSET, PEER_OFFSET] = [3, 3_000, 10_000];

/** A launcher whose cluster is ready. */
export interface LaunchedCluster {
  readonly process: ServerProcess;
  /** Client ports by node. */
  readonly ports: readonly number[];
  /** `http://127.0.0.1:port` by node; `https://` with the flag `--tls`. */
  readonly httpBases: readonly string[];
  /** Holds `node-<id>` for each node. */
  readonly directory: string;
}

/** Runs `body` on a fresh cluster; stops it afterwards. When `body` fails, the error has the launcher's last lines. */
export async function withLaunchedCluster(
  body: (cluster: LaunchedCluster) => Promise<void>,
  { nodes = NODES, flags = [] }: { readonly nodes?: number; readonly flags?: readonly string[] } = {},
): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  const numbers = Array.from({ length: nodes }, (_, id) => id);
  const port = findFreeRun([0, HTTP_OFFSET, PEER_OFFSET].flatMap((offset) => numbers.map((id) => offset + id)));
  const process = new ServerProcess(
    programLine(["cluster", "--nodes", String(nodes), "--port", String(port), "--data-dir", directory, ...flags]),
    { stdin: "piped" },
  );
  try {
    await process.line("Ctrl-C");
    await body({
      process,
      ports: numbers.map((id) => port + id),
      directory,
      httpBases: numbers.map((id) =>
        `${flags.includes("--tls") ? "https" : "http"}://127.0.0.1:${port + HTTP_OFFSET + id}`
      ),
    });
  } catch (error) {
    const lines = process.lines.slice(-30).join("\n");
    throw new Error(`${error instanceof Error ? error.message : error}\n${lines}`, { cause: error });
  } finally {
    if (process.alive) await process.end("SIGTERM");
    await Deno.remove(directory, { recursive: true });
  }
}
