/**
 * Answers whatever comes with one fixed HTTP answer: shows how fast the load generator for etcd is by itself. A process of
 * its own; prints its port and runs until it is ended.
 */

import { stringToBytes } from "../../../lib/base/bytes.ts";
import { print } from "../../support/print.ts";

const BODY = '{"header":{"cluster_id":"1","member_id":"2","revision":"3","raft_term":"2"}}';
const ANSWER = stringToBytes(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
);

async function serve(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay(true);
  const buffer = new Uint8Array(16_384);
  try {
    while (await connection.read(buffer) !== null) await connection.write(ANSWER);
  } catch {
    // The other side went away.
  }
  connection.close();
}

if (import.meta.main) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  print(String(listener.addr.port));
  for await (const connection of listener) void serve(connection);
}
