/** A stranger on the peer ports, without the secret and with a recorded handshake: the cluster goes on as if it were not there. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { encodeMessage } from "../../lib/transport/codec.ts";
import { encodeProof, sayIntroduction } from "../../lib/transport/control.ts";
import { SPOKEN_VERSIONS } from "../../lib/transport/versions.ts";
import { freshNonce, proveDialer } from "../../lib/transport/credentials.ts";
import { FrameWriter, NO_BODY } from "../../lib/transport/frame.ts";
import { toIndex, toTerm } from "../../lib/raft/types.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { residentBytes } from "../support/process_usage.ts";
import { withDeadline } from "../support/wait.ts";
import { Run } from "../../lib/raft/run.ts";

const FRAMES = 20_000;
const CONNECTIONS = 200;
const GROWTH_BYTES_MAX = 100 * 1_048_576;
/** Terms that would end a cluster, and one beyond what a number holds exactly. */
const TERMS = [1, 2, 2 ** 31, 2 ** 32, 2 ** 52 - 2 ** 32, 2 ** 52, 2 ** 53 - 1];

interface View {
  readonly term: string | undefined;
  readonly leader: string | undefined;
  readonly members: readonly string[];
}

async function viewOf(cluster: ProcessCluster, id: number): Promise<View> {
  const status = await cluster.status(id);
  const members = (await cluster.block(id, "CLUSTER")).map((line) =>
    /^Node \d+: [^,]+, Peer Address: [^,]+/.exec(line)?.[0]
  )
    .filter((line): line is string => line !== undefined);
  return { term: status.get("Term"), leader: status.get("Leader ID"), members };
}

/** Frames that somebody without the secret can make: messages as of a peer, answers to a challenge, and junk. */
function hostileFrame(random: Random): Uint8Array {
  const writer = new FrameWriter();
  const term = toTerm(random.pick(TERMS));
  const ends = { from: random.below(3), to: random.below(3) };
  switch (random.below(4)) {
    case 0: {
      const { header, body } = encodeMessage({
        type: "AppendEntries",
        ...ends,
        term,
        prevLogIndex: toIndex(0),
        prevLogTerm: toTerm(0),
        entries: Run.of([{ type: "Command", index: toIndex(1), term, command: "1;P1:x1:y" }]),
        leaderCommit: toIndex(1),
        round: 1,
        confirm: false,
      });
      writer.append(header, body);
      break;
    }
    case 1: {
      const { header, body } = encodeMessage({
        type: "RequestVote",
        ...ends,
        term,
        preVote: false,
        leadershipTransfer: true,
        lastLogIndex: toIndex(2 ** 40),
        lastLogTerm: term,
      });
      writer.append(header, body);
      break;
    }
    case 2:
      writer.append(recordedProof(random), NO_BODY);
      break;
    default:
      writer.append(
        JSON.stringify({ rpc: random.pick(["Welcome", "Accepted", "Ping", "Refused", "Forward"]) }),
        NO_BODY,
      );
  }
  const bytes = writer.bytes().slice();
  if (random.chance(0.3)) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

/** What a peer has said in a handshake of its own: a good proof, for another challenge or under another secret. */
function recordedProof(random: Random): string {
  const said = sayIntroduction({
    greeting: {
      versions: SPOKEN_VERSIONS,
      clusterId: "kvstore",
      clusterName: "",
      nodeId: random.below(3),
      incarnation: random.below(1_000),
      identity: "0123456789abcdef",
      rejoin: random.chance(0.5),
      configurationIndex: 2 ** 40,
      membersFingerprint: "",
      clientAddress: "127.0.0.1:1",
      peerAddress: "127.0.0.1:1",
    },
    nonce: freshNonce(),
    to: random.below(3),
  });
  return encodeProof({
    said,
    proof: proveDialer({ secret: "a guess at the secret", challenge: freshNonce(), dialerSaid: said }),
  });
}

/** Sends frames over one connection until it is closed. Returns everything that the node said. */
async function attack(port: number, frames: readonly Uint8Array[]): Promise<string> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  // A node that closes with frames unread resets the connection: what it said first is read before that.
  const buffer = new Uint8Array(1_024);
  const count = await withDeadline(socket.read(buffer), { what: "the challenge" });
  const challenge = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  const said = new Response(socket.readable).text().catch(() => "");
  const writer = socket.writable.getWriter();
  for (const frame of frames) {
    // The node closes at the first frame that is no proof; the others meet a closed door.
    if (!await writer.write(frame).then(() => true, () => false)) break;
  }
  await writer.close().catch(() => {});
  return challenge + await said;
}

Deno.test("20 000 frames of a stranger on the peer ports change nothing: term, leader, members, data and memory", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    assertEquals(await cluster.ask(leader, "PUT key value"), "key added successfully.");
    await cluster.waitUntilEqual();
    const ids = cluster.nodes.map(({ id }) => id);
    const before = await Promise.all(ids.map((id) => viewOf(cluster, id)));
    const resident = ids.map((id) => residentBytes(cluster.node(id).process?.pid ?? 0));
    const identities = await Promise.all(ids.map((id) => identityOf(cluster, id)));
    const random = new Random(1);
    let sent = 0;
    const heard: string[] = [];
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      const frames = Array.from({ length: FRAMES / CONNECTIONS }, () => hostileFrame(random));
      sent += frames.length;
      heard.push(await attack(cluster.node(connection % ids.length).peerPort, frames));
    }
    assertEquals(sent, FRAMES);
    // Nothing of what the stranger heard tells it who the nodes are.
    for (const secret of [...identities, "kvstore-"]) assert(!heard.some((text) => text.includes(secret)), secret);
    assert(heard.every((text) => text.includes("Challenge")), "each connection was challenged");
    assertEquals(await Promise.all(ids.map((id) => viewOf(cluster, id))), before);
    for (const id of ids) assertEquals(await cluster.ask(id, "GET key"), "value of key: value");
    assertEquals(await cluster.ask(leader, "PUT key after"), "key added successfully.");
    for (const [at, id] of ids.entries()) {
      const now = residentBytes(cluster.node(id).process?.pid ?? 0);
      assertLess(now - (resident[at] ?? 0), GROWTH_BYTES_MAX, `node ${id}`);
    }
  }));

/** The name of a node's directory, which its peers alone may learn. */
async function identityOf(cluster: ProcessCluster, id: number): Promise<string> {
  const file = JSON.parse(await Deno.readTextFile(`${cluster.node(id).directory}/RaftNode${id}.json`));
  return String(file.identity);
}
