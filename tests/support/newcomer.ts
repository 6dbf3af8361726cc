/** Nodes that join a cluster of real processes. */

import { findFreePorts } from "./ports.ts";
import type { ProcessCluster } from "./process_cluster.ts";
import { programLine } from "./program.ts";
import { ServerProcess } from "./server_process.ts";
import { askOnce } from "./text_client.ts";
import { waitFor } from "./wait.ts";

/** A member as HTTP shows it. */
export interface MemberJson {
  readonly id: number;
  readonly voter: boolean;
  readonly "peer_address": string;
}

/** A node that is none of those that the cluster was started with. */
export class Newcomer implements AsyncDisposable {
  readonly clientPort: number;
  readonly httpPort: number;
  readonly directory: string;
  readonly #peerAddress: string;
  readonly #cluster: ProcessCluster;
  readonly #line: readonly string[];
  #process: ServerProcess | undefined;

  constructor(
    cluster: ProcessCluster,
    { seed, flags = [], id, program = programLine }: {
      readonly seed: number;
      readonly flags?: readonly string[];
      /** The id that it asks for; needed behind the proxy of a cluster that has one, which tells nodes apart by it. */
      readonly id?: number;
      /** The command line that starts the program with arguments. */
      readonly program?: (args: readonly string[]) => readonly string[];
    },
  ) {
    const [clientPort = 0, peerPort = 0, httpPort = 0, behind = 0] = findFreePorts(4);
    const { clientPort: seedPort, peerPort: seedPeerPort } = cluster.node(seed);
    this.clientPort = clientPort;
    this.httpPort = httpPort;
    this.#cluster = cluster;
    this.directory = `${cluster.root}/newcomer-${clientPort}`;
    this.#peerAddress = `127.0.0.1:${peerPort}`;
    if (id !== undefined) cluster.proxy.open({ nodeId: id, advertisedPort: peerPort, boundPort: behind });
    this.#line = program([
      ...["node", "--join", `127.0.0.1:${seedPort}@${seedPeerPort}`, "--port", `${clientPort}`],
      ...["--peer-port", `${peerPort}`, "--http-port", `${httpPort}`],
      ...(id === undefined ? [] : ["--node-id", `${id}`, "--peer-bind-port", `${behind}`]),
      ...["--data-dir", this.directory, ...flags],
    ]);
  }

  /** The present process or the last one. */
  get process(): ServerProcess | undefined {
    return this.#process;
  }

  /** Starts it, and does not wait. */
  start(environment: Readonly<Record<string, string>> = {}): ServerProcess {
    const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    this.#process = new ServerProcess(set.length === 0 ? this.#line : ["env", ...set, ...this.#line], {
      stdin: "piped",
    });
    return this.#process;
  }

  /** Waits until the cluster shows it as a voter, or as a learner. Resolves to its id. */
  async isMember(voter = true): Promise<number> {
    const found = await waitFor(async () => {
      const members = await membersOf(this.#cluster);
      const own = members.find((member) => member["peer_address"] === this.#peerAddress);
      return own?.voter === voter ? own : undefined;
    }, { what: `${this.#peerAddress} is a ${voter ? "voter" : "learner"}` });
    return found.id;
  }

  /** Waits until it has found a leader and reads that value. */
  async reads(key: string, value: string): Promise<void> {
    const wanted = `value of ${key}: ${value}`;
    const look = async () => await askOnce(this.clientPort, `GET ${key}`) === wanted ? true : undefined;
    await waitFor(look, { what: `node at ${this.clientPort} reads ${wanted}` });
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process?.alive === true) await this.#process.end("SIGKILL");
  }
}

/** The members as a node of the cluster that runs shows them. */
export async function membersOf(cluster: ProcessCluster): Promise<readonly MemberJson[]> {
  const up = cluster.nodes.find(({ process }) => process?.alive === true);
  const reply = await fetch(`http://127.0.0.1:${up?.httpPort}/v1/cluster/members`);
  const body: { readonly members: readonly MemberJson[] } = await reply.json();
  return body.members;
}
