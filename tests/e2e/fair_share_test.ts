/** Connections that pipeline without end, and one that asks now and then: how much the node does for them in between. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { ByteConnection } from "../support/byte_connection.ts";
import { withCluster } from "../support/process_cluster.ts";
import { encodeRequest } from "../support/resp/encode.ts";
import { waitFor } from "../support/wait.ts";

const FLOODS = 16;
const DEPTH = 10_000;
const ASKED = 100;
/**
 * Bytes of the others while one request is answered. Of requests a node takes 2 048 in a turn of its event loop, some 30 KB, and of the PINGs
 * before which nothing tells the protocol 4 KiB of each connection; the one that asks may miss a few turns. All that is read of every flood at
 * a time would be a megabyte.
 */
const OTHERS_BYTES_MAX = 300_000;
const FLOODED: Readonly<Record<string, string>> = {
  "requests of the Redis protocol": encodeRequest("PING"),
  "PINGs before which nothing tells the protocol": "PING\r\n",
};

/** Sends requests and drops replies until it is disposed. */
class Flood implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly ended: Promise<unknown>;

  constructor(connection: Deno.TcpConn, request: string) {
    this.#connection = connection;
    const requests = new TextEncoder().encode(request.repeat(DEPTH));
    // They end with the connection.
    this.ended = Promise.allSettled([this.#write(requests), this.#read()]);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #write(requests: Uint8Array): Promise<void> {
    for (let at = 0;; at %= requests.length) at += await this.#connection.write(requests.subarray(at));
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(262_144);
    while (await this.#connection.read(buffer) !== null);
  }
}

function readPong(received: string, start: number): { readonly reply: string; readonly end: number } | undefined {
  const end = received.indexOf("\n", start) + 1;
  return end === 0 ? undefined : { reply: received.slice(start, end), end };
}

for (const [what, request] of Object.entries(FLOODED)) {
  Deno.test(`sixteen connections that pipeline ${what} without end leave one that asks its share of every turn`, () =>
    withCluster({ nodes: 1 }, async (cluster) => {
      const { clientPort, httpPort } = cluster.node(0);
      const received = async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
        return Number(/^kvstore_server_client_bytes_received_total (\d+)$/m.exec(metrics)?.[1]);
      };
      const floods: Flood[] = [];
      try {
        while (floods.length < FLOODS) {
          floods.push(new Flood(await Deno.connect({ hostname: "127.0.0.1", port: clientPort }), request));
        }
        using client = await ByteConnection.connect(clientPort);
        await waitFor(async () => await received() > FLOODS * DEPTH * request.length || undefined, {
          what: "the flood has come",
        });
        const before = await received();
        for (let at = 0; at < ASKED; at++) {
          client.send(encodeRequest("PING"));
          assertEquals(await client.expect(readPong), "+PONG\r\n");
        }
        const others = (await received() - before) / ASKED;
        assert(others > request.length, "the flood has not ended");
        assertLess(others, OTHERS_BYTES_MAX, "bytes of others while one is answered");
      } finally {
        for (const flood of floods) flood[Symbol.dispose]();
      }
      await Promise.all(floods.map(({ ended }) => ended));
    }));
}
