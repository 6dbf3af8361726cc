/** Three nodes of `bench/ceiling`: what this machine could do with nothing but bytes on the way. */

import { V8_FLAGS } from "../../../lib/cluster/own_program.ts";
import { findFreePorts } from "../../../tests/support/ports.ts";
import { ROOT } from "../../../tests/support/program.ts";
import { ServerProcess } from "../../../tests/support/server_process.ts";
import { untilAnswered } from "../until_answered.ts";
import { pidsOf, type Server, unwatch, watch } from "./server.ts";

const NODES = 3;
const START_TIMEOUT_MS = 60_000;

/** The cluster; its node 0 leads and is the only one that serves clients. */
export class CeilingServer implements Server {
  readonly name = "ceiling";
  readonly ids: readonly number[] = Array.from({ length: NODES }, (_, id) => id);
  readonly #directory = Deno.makeTempDirSync({ prefix: "kvstore-compare-ceiling-" });
  readonly #ports = findFreePorts(NODES);
  readonly #processes: readonly ServerProcess[];

  private constructor() {
    const program = [Deno.execPath(), "run", "--quiet", V8_FLAGS, "-A", `${ROOT}bench/ceiling/main.ts`];
    this.#processes = this.ids.map((id) =>
      new ServerProcess([...program, String(id), `${this.#directory}/${id}`, this.#ports.join(",")])
    );
    watch(this);
  }

  /** Starts it and waits until it answers. */
  static async start(): Promise<CeilingServer> {
    const server = new CeilingServer();
    try {
      const since = performance.now();
      await untilAnswered(server.address(0), { words: ["SET", "a", "b"], since, timeoutMs: START_TIMEOUT_MS });
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  pids(): readonly number[] {
    return pidsOf(this);
  }

  address(id: number): string {
    return `127.0.0.1:${this.#ports[id]}`;
  }

  pid(id: number): number {
    const process = this.#processes[id];
    return process?.alive === true ? process.pid : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.alive ? process.end("SIGKILL") : undefined));
    unwatch(this);
    await Deno.remove(this.#directory, { recursive: true });
  }
}
