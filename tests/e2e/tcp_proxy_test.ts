import { assertEquals } from "@std/assert";
import { findFreePorts } from "../support/ports.ts";
import { PeerProxy } from "../support/tcp_proxy.ts";
import { delay, withDeadline } from "../support/wait.ts";

/** A Proof as the first frame of a dialer: what it says names the node. */
function hello(nodeId: number): Uint8Array<ArrayBuffer> {
  return frameOf({ rpc: "Proof", said: JSON.stringify({ greeting: { nodeId } }) });
}

/** The acceptor's first frame. */
const CHALLENGE = frameOf({ rpc: "Challenge", nonce: "x" });

function frameOf(content: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify(content));
  const frame = new Uint8Array(16 + header.length);
  new DataView(frame.buffer).setUint32(8, header.length);
  frame.set(header, 16);
  return frame;
}

async function readExactly(connection: Deno.TcpConn, length: number): Promise<string> {
  const bytes = new Uint8Array(length);
  let got = 0;
  while (got < length) {
    const count = await withDeadline(connection.read(bytes.subarray(got)), { what: "bytes" });
    if (count === null) throw new Error("Closed");
    got += count;
  }
  return new TextDecoder().decode(bytes);
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

Deno.test("a cut holds back one direction of one pair; healing delivers what was held back", async () => {
  const [advertisedPort = 0, boundPort = 0] = findFreePorts(2);
  using server = Deno.listen({ hostname: "127.0.0.1", port: boundPort });
  await using proxy = new PeerProxy([{ nodeId: 0, advertisedPort, boundPort }]);
  const open = async (nodeId: number): Promise<[Deno.TcpConn, Deno.TcpConn]> => {
    const dialer = await Deno.connect({ hostname: "127.0.0.1", port: advertisedPort });
    const accepted = await server.accept();
    await accepted.write(CHALLENGE);
    await readExactly(dialer, CHALLENGE.length);
    await dialer.write(hello(nodeId));
    await readExactly(accepted, hello(nodeId).length);
    return [dialer, accepted];
  };
  const [one, fromOne] = await open(1);
  const [two, fromTwo] = await open(2);
  proxy.cut(1, 0);
  let delivered = false;
  await one.write(text("held"));
  const late = readExactly(fromOne, 4).then((got) => {
    delivered = true;
    return got;
  });
  // The other direction and the other pair go on.
  await fromOne.write(text("back"));
  assertEquals(await readExactly(one, 4), "back");
  await two.write(text("pass"));
  assertEquals(await readExactly(fromTwo, 4), "pass");
  await delay(50);
  assertEquals(delivered, false);
  proxy.heal();
  assertEquals(await late, "held");
  for (const connection of [one, fromOne, two, fromTwo]) connection.close();
});

Deno.test("a dialer that is cut off reaches nobody until it is healed", async () => {
  const [advertisedPort = 0, boundPort = 0] = findFreePorts(2);
  using server = Deno.listen({ hostname: "127.0.0.1", port: boundPort });
  await using proxy = new PeerProxy([{ nodeId: 0, advertisedPort, boundPort }]);
  proxy.isolate(0, [0, 1]);
  using dialer = await Deno.connect({ hostname: "127.0.0.1", port: advertisedPort });
  // Who dials is unknown before it has spoken: the challenge comes through, and the answer to it does not.
  using accepted = await server.accept();
  await accepted.write(CHALLENGE);
  await readExactly(dialer, CHALLENGE.length);
  await dialer.write(hello(1));
  let arrived = false;
  const answer = readExactly(accepted, hello(1).length).then((got) => {
    arrived = true;
    return got;
  });
  await delay(50);
  assertEquals(arrived, false);
  proxy.heal();
  assertEquals(await answer, new TextDecoder().decode(hello(1)));
});
