/** Three nodes under clients that write all the time while a test changes the nodes. */

import { type ProcessCluster, withCluster } from "../../support/process_cluster.ts";
import { type Access, RepeatingClients } from "../../support/repeating_clients.ts";
import { HttpWriter, type HttpWriterOptions } from "./http_writer.ts";
import { basesOf, serversOf } from "./rolling.ts";

const CLIENTS = 3;

/** Runs `body` on three nodes while clients write, of which none may fail, and nothing may be lost. */
export async function underLoad(body: (cluster: ProcessCluster, root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  try {
    await withCluster({ root: `${root}/cluster` }, async (cluster) => {
      const clients = new RepeatingClients(serversOf(cluster), CLIENTS);
      const writer = new HttpWriter({ bases: basesOf(cluster), follows: true });
      await body(cluster, root);
      await clients.goOn();
      await Promise.all([clients.stop(), writer.stop()]);
      await clients.assertKept(serversOf(cluster));
      await writer.assertKept();
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Clients of one kind at work, over RESP and over HTTP. */
export class Load {
  readonly clients: RepeatingClients;
  readonly #writer: HttpWriter;

  constructor(
    prefix: string,
    servers: readonly string[],
    { access = {}, ...http }: HttpWriterOptions & { access?: Access },
  ) {
    this.clients = new RepeatingClients(servers, CLIENTS, { prefix, ...access });
    this.#writer = new HttpWriter({ prefix: `${prefix}-http`, ...http });
  }

  async stop(): Promise<void> {
    await Promise.all([this.clients.stop(), this.#writer.stop()]);
  }

  /** See `RepeatingClients.assertKept`; looked at as somebody who may. */
  async assertKept(
    servers: readonly string[],
    { access, ...http }: HttpWriterOptions & { access: Access },
  ): Promise<void> {
    await this.clients.assertKept(servers, access);
    await this.#writer.assertKept(http);
  }
}
