/** A node under attack: peer 0 is whatever the test makes of it. */

import { assertEquals } from "@std/assert";
import type { Connection } from "../../../lib/transport/connection.ts";
import { dialHandshake } from "../../../lib/transport/handshake.ts";
import type { TransportLimits } from "../../../lib/transport/limits.ts";
import { handshakeAs, type RawConnection, rawDial, TestNode } from "./support.ts";

/** A node that knows a peer 0 which is not there, so that a raw connection can be it. */
export async function withTarget(
  limits: Partial<TransportLimits>,
  body: (node: TestNode) => Promise<void>,
): Promise<void> {
  const node = await new TestNode(1, { limits: { backoffMsMin: 60_000, backoffMsMax: 60_000, ...limits } }).start();
  node.transport.setPeers([{ id: 0, addresses: ["127.0.0.1:1"] }]);
  try {
    await body(node);
  } finally {
    await node.transport.stop();
  }
}

/** A connection to `node` as its peer 0, handshake done. */
export async function peerConnection(node: TestNode): Promise<RawConnection> {
  const raw = await rawDial(node);
  const result = await dialHandshake(raw.connection, { ...handshakeAs(0), expected: node.id });
  assertEquals(result.type, "Admitted");
  return raw;
}

/** Reads until the node closes the connection. */
export async function drain(connection: Connection): Promise<void> {
  while (await connection.receive() !== undefined);
}
