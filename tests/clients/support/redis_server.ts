/** A redis-server of Debian's package on a free port, to prove the tests of the matrix on what they take as given. */

import { findFreePorts } from "../../support/ports.ts";
import { ServerProcess } from "../../support/server_process.ts";
import { waitFor } from "../../support/wait.ts";
import { redisCli } from "./redis_cli.ts";

/** Runs `body` with the port of a fresh server that keeps nothing. */
export async function withRedisServer(
  options: { readonly clusterMode: boolean },
  body: (port: number) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-clients-redis-" });
  const [port = 0] = findFreePorts(1);
  const server = new ServerProcess(commandLine(port, options), { directory });
  try {
    await waitFor(async () => await redisCli(port, ["PING"]) === "PONG" ? true : undefined, {
      what: `redis-server answers: ${server.lines.slice(-3).join(" | ")}`,
    });
    if (options.clusterMode) await ownEverySlot(port);
    await body(port);
  } finally {
    await server.end("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  }
}

function commandLine(port: number, options: { readonly clusterMode: boolean }): readonly string[] {
  // Cluster mode takes a second port 10 000 above the first unless it is told another one.
  const [busPort = 0] = options.clusterMode ? findFreePorts(1) : [];
  return [
    ...["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    ...(options.clusterMode ? ["--cluster-enabled", "yes", "--cluster-port", String(busPort)] : []),
  ];
}

async function ownEverySlot(port: number): Promise<void> {
  await redisCli(port, ["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
  // Without others to name it, the server does not know its own address, which it must give to clients.
  await redisCli(port, ["CONFIG", "SET", "cluster-announce-ip", "127.0.0.1"]);
  await waitFor(
    async () => (await redisCli(port, ["CLUSTER", "INFO"])).includes("cluster_state:ok") ? true : undefined,
    { what: "the cluster of one redis-server is ready" },
  );
}
