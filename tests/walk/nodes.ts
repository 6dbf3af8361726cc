/** Three nodes in this process, on real sockets and a real disk, and one clock for all of them. */

import { randomNumber } from "../../lib/cluster/random_number.ts";
import type { Node } from "../../lib/node/node.ts";
import { startNode } from "../../lib/node/start_node.ts";
import { Registry } from "../../lib/observe/metrics.ts";
import { type ClientListener, startClientListener } from "../../lib/protocol/client_listener.ts";
import type { Member } from "../../lib/raft/types.ts";
import { TcpTransport } from "../../lib/transport/tcp_transport.ts";
import { findFreePorts } from "../support/ports.ts";
import { waitFor } from "../support/wait.ts";
import { CountedDisk } from "./counted_disk.ts";
import { gateOf } from "../support/gate.ts";
import type { StillClock } from "./still_clock.ts";

const NODES = 3;
const HOST = "127.0.0.1";
const SECRET = "a secret of this test".repeat(2);
/** By a clock of its own: the machine's date does not stand still. */
const DATE_MS = 1_700_000_000_000;
const MIB = 1_048_576;

/** What all nodes have. */
interface Shared {
  readonly clock: StillClock;
  readonly disk: CountedDisk;
  readonly directory: string;
  readonly members: readonly Member[];
}

/** A node and the port of its clients. */
export interface Served {
  readonly node: Node;
  readonly clients: ClientListener;
}

/** From the start to `stop`. */
export class Nodes {
  readonly #shared: Shared;
  readonly #served: readonly Served[];

  private constructor(shared: Shared, served: readonly Served[]) {
    this.#shared = shared;
    this.#served = served;
  }

  /** Resolves when all of them follow a leader. */
  static async start(clock: StillClock): Promise<Nodes> {
    const directory = await Deno.makeTempDir({ prefix: "kvstore-walk-" });
    const members = findFreePorts(NODES).map((port, id): Member => {
      return { id, address: `${HOST}:${port}`, clientAddress: `${HOST}:${id + 1}`, identity: "" };
    });
    const shared: Shared = { clock, disk: new CountedDisk(), directory, members };
    const nodes = new Nodes(shared, await Promise.all(members.map(({ id }) => serve(shared, id))));
    await nodes.agree();
    return nodes;
  }

  /** Whether nobody waits for the disk. */
  get isDiskIdle(): boolean {
    return this.#shared.disk.isIdle;
  }

  /** One that follows. */
  follower(): Served {
    const follower = this.#served.find(({ node }) => node.status().raft.role === "Follower");
    if (follower === undefined) throw new Error("No node follows");
    return follower;
  }

  /** Waits until all have applied the same, under one leader. */
  async agree(): Promise<void> {
    const states = () => this.#served.map(({ node }) => node.status());
    const isSame = (values: readonly (number | undefined)[]) => values[0] !== undefined && new Set(values).size === 1;
    await waitFor(() => {
      const now = states();
      const leaders = now.map(({ raft }) => raft.leaderId);
      return isSame(leaders) && isSame(now.map(({ lastApplied }) => lastApplied)) ? true : undefined;
    }, { what: "three nodes agree" });
  }

  /** Ends them and removes what they stored. */
  async stop(): Promise<void> {
    this.#shared.clock.goOn();
    await Promise.all(this.#served.map(({ clients }) => clients.stop(0)));
    await Promise.all(this.#served.map(({ node }) => node.stop()));
    await Deno.remove(this.#shared.directory, { recursive: true });
  }
}

async function serve({ clock, disk, directory, members }: Shared, id: number): Promise<Served> {
  const log = () => {};
  const random = randomNumber;
  const port = Number(members[id]?.address.split(":")[1]);
  const node = await startNode({
    nodeId: id,
    members,
    clusterId: undefined,
    directory: `${directory}/${id}`,
    newIdentity: false,
    snapshotEntries: MIB,
    snapshotBytes: 64 * MIB,
    memoryLimitBytes: 256 * MIB,
    electionTimeoutMs: 1_000,
    heartbeatMs: 100,
    requestTimeoutMs: 5_000,
    segmentBytes: MIB,
  }, {
    clock,
    disk,
    random,
    log,
    metrics: new Registry(),
    wallClockMs: () => DATE_MS + clock.now(),
    makeTransport: (greeting) =>
      new TcpTransport({ clock, random, log, greeting, listen: { hostname: HOST, port }, secret: SECRET }),
  });
  const clients = startClientListener({
    node,
    clock,
    log,
    hostname: HOST,
    port: 0,
    connectionsMax: 10,
    receiveTimeoutMs: 30_000,
    httpPort: undefined,
    clusterMode: false,
    keyBytesMax: 1_024,
    valueBytesMax: 1_024,
    slowCommandMs: 100,
    changeMember: (change) => node.changeMember(change),
    gate: gateOf(node, clock),
  });
  return { node, clients };
}
