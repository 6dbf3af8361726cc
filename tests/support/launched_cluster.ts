/** A local cluster started by the launcher itself, on free ports and in a directory of its own. */

import { findFreeRun } from "./ports.ts";
import { programLine } from "./program.ts";
import { ServerProcess } from "./server_process.ts";
import { waitFor } from "./wait.ts";

const [NODES, HTTP_OFFSET, PEER_OFFSET] = [3, 3_000, 10_000];
const OFFSETS = [0, HTTP_OFFSET, PEER_OFFSET].flatMap((offset) => [offset, offset + 1, offset + 2]);

/** A launcher whose cluster is ready. */
export interface LaunchedCluster {
  readonly process: ServerProcess;
  /** Client ports by node. */
  readonly ports: readonly number[];
  /** `http://127.0.0.1:port` by node. */
  readonly httpBases: readonly string[];
}

/** Runs `body` on a fresh cluster of three; stops it afterwards. When `body` fails, the error has the launcher's last lines. */
export async function withLaunchedCluster(body: (cluster: LaunchedCluster) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  const port = findFreeRun(OFFSETS);
  const process = new ServerProcess(
    programLine(["cluster", "--port", String(port), "--data-dir", directory]),
    { stdin: "piped" },
  );
  try {
    await waitFor(() => {
      if (!process.alive) throw new Error("The launcher ended");
      return process.lines.some((line) => line.includes("Ctrl-C")) || undefined;
    }, { what: "the cluster is ready" });
    const numbers = Array.from({ length: NODES }, (_, id) => id);
    await body({
      process,
      ports: numbers.map((id) => port + id),
      httpBases: numbers.map((id) => `http://127.0.0.1:${port + HTTP_OFFSET + id}`),
    });
  } catch (error) {
    const lines = process.lines.slice(-30).join("\n");
    throw new Error(`${error instanceof Error ? error.message : error}\n${lines}`, { cause: error });
  } finally {
    if (process.alive) await process.end("SIGTERM");
    await Deno.remove(directory, { recursive: true });
  }
}
