/**
 * The ceiling: the write and read path of three durable replicas with nothing but bytes in it, to know what Deno can do on a
 * machine. Node 0 leads forever; nodes 1 and 2 follow. Clients of node 0 have SET and GET of the Redis protocol; all else is
 * answered with OK. A write is acknowledged once it is synced on the leader and on one follower, a read once a follower has
 * confirmed in a round that began after it. There are no elections, no recovery, no limits: it is measured against, not used.
 *
 *     deno run -A bench/ceiling/main.ts ID DIRECTORY PORT,PORT,PORT
 *
 * What makes it fast: requests are read in the buffer of the socket; a SET is copied once, into a batch that is the record of
 * the log, the frame to both followers and what is applied, all in one; a connection with many writes in a batch is named once,
 * and gets its replies in one piece; the state is slabs, so that applying makes no object and no string; buffers are used again.
 */

import { print } from "../support/print.ts";
import { Follower } from "./follower.ts";
import { Leader } from "./leader.ts";

const HOST = "127.0.0.1";
const RETRY_MS = 20;
const CONNECT_TIMEOUT_MS = 20_000;

async function connect(port: number): Promise<Deno.TcpConn> {
  const until = performance.now() + CONNECT_TIMEOUT_MS;
  for (;;) {
    try {
      return await Deno.connect({ hostname: HOST, port });
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused) || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function main([id = "", directory = "", list = ""]: readonly string[]): Promise<void> {
  const ports = list.split(",").map(Number);
  const port = ports[Number(id)];
  if (port === undefined || directory === "") throw new Error("Usage: main.ts ID DIRECTORY PORT,PORT,PORT");
  if (id === "0") {
    const leader = new Leader(directory, ports.length - 1);
    const followers = await Promise.all(ports.slice(1).map(connect));
    const listener = Deno.listen({ hostname: HOST, port });
    print(`Node ${id} leads`);
    await leader.run(followers, listener);
  } else {
    const listener = Deno.listen({ hostname: HOST, port });
    const leader = await listener.accept();
    print(`Node ${id} follows`);
    await new Follower(directory, leader).run(leader);
  }
}

if (import.meta.main) {
  await main(Deno.args);
  Deno.exit(0);
}
