/** How long a single node takes from its start to its first write. */

import { findFreePorts } from "../../../tests/support/ports.ts";
import { ROOT } from "../../../tests/support/program.ts";
import { ServerProcess } from "../../../tests/support/server_process.ts";
import type { CompareOptions } from "../options.ts";
import { type Cost, Meter } from "../meter.ts";
import { untilAnswered } from "../until_answered.ts";
import { judge, type RowGroup, type RowHead, skipRow } from "../row.ts";
import { redisLine } from "../servers/redis.ts";
import { unwatch, watch } from "../servers/server.ts";

const HEAD: RowHead = { id: "start", title: "Compiled executable: start of a single node to its first write" };
const ROUNDS = 5;
const TIMEOUT_MS = 20_000;

/** With an executable only: the source is compiled anew at each start. */
export const start: RowGroup = {
  rows: [HEAD],
  minutesMax: 5,
  async run(options) {
    const line = commandLine(options);
    if (line === undefined) {
      return [skipRow(HEAD, "There is no dist/kvstore (deno task compile makes it), and --binary names no executable")];
    }
    const samples: number[] = [];
    const costs: Cost[] = [];
    for (let round = 0; round < ROUNDS; round++) samples.push(await measureStart(line, costs) / 1_000);
    return [judge(HEAD, {
      bar: { kind: "atMost", value: 0.2, of: "median", unit: " s", digits: 2 },
      samples,
      costs,
      notes: ["An empty directory each time; from the start of the process to the reply of its first SET."],
    })];
  },
};

type MakeLine = (port: number, directory: string) => readonly string[];

function commandLine({ binary, subject }: CompareOptions): MakeLine | undefined {
  if (subject === "redis") return redisLine;
  const program = binary ?? `${ROOT}dist/kvstore`;
  if (!exists(program)) return undefined;
  return (port, directory) => {
    const [peerPort = 0, httpPort = 0] = findFreePorts(2);
    const ports = ["--port", String(port), "--peer-port", String(peerPort), "--http-port", String(httpPort)];
    return [program, "node", "--node-id", "0", ...ports, "--data-dir", `${directory}/data`];
  };
}

async function measureStart(makeLine: MakeLine, costs: Cost[]): Promise<number> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-compare-start-" });
  const [port = 0] = findFreePorts(1);
  const line = makeLine(port, directory);
  const since = performance.now();
  const server = new ServerProcess(line, { directory });
  const node = { name: "the node", ids: [0], pid: () => server.alive ? server.pid : 0, pids: () => [server.pid] };
  watch(node);
  try {
    const took = await untilAnswered(`127.0.0.1:${port}`, { words: ["SET", "a", "b"], since, timeoutMs: TIMEOUT_MS });
    costs.push(new Meter(node, { sinceStart: true }).read());
    return took;
  } finally {
    unwatch(node);
    await server.end("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
