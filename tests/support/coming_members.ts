/** Members that come and go, one change after the other, and are killed in between. */

import type { Random } from "../../lib/base/random.ts";
import type { MajorityWindows } from "./majority_windows.ts";
import { Newcomer } from "./newcomer.ts";
import type { ProcessCluster } from "./process_cluster.ts";
import type { NodePorts } from "./protocols/protocol.ts";
import type { ServerProcess } from "./server_process.ts";
import { askBlockOnce } from "./text_client.ts";
import { waitFor } from "./wait.ts";

/** What a server that was removed ends with. */
const REMOVED_CODE = 76;
const OK = 200;

/** What goes on around them. */
export interface ComingMembersOptions {
  readonly cluster: ProcessCluster;
  readonly windows: MajorityWindows;
  readonly random: Random;
  /** The servers that are cut off now: they are removed before others. */
  cutOff(): readonly number[];
}

/** Node 0 stays, and is asked for the changes; the others come and go. */
export class ComingMembers {
  /** Done changes of the membership. */
  changes = 0;
  kills = 0;
  /** Of all that were ever there, by id. */
  readonly ports: NodePorts & { readonly clients: number[]; readonly http: number[] };
  readonly #options: ComingMembersOptions;
  readonly #joined = new Map<number, Newcomer>();
  readonly #removed = new Map<number, ServerProcess>();
  readonly #restarts = new Set<Promise<void>>();
  #voters: readonly number[];
  #nextId: number;

  constructor(options: ComingMembersOptions) {
    const { nodes } = options.cluster;
    this.#options = options;
    this.#voters = nodes.map(({ id }) => id);
    this.#nextId = nodes.length;
    this.ports = { clients: nodes.map((node) => node.clientPort), http: nodes.map((node) => node.httpPort) };
  }

  /** The voters after the last change that is done. */
  get voters(): readonly number[] {
    return this.#voters;
  }

  /** Who leads, as node 0 knows it. */
  async leader(): Promise<number> {
    return await waitFor(async () => {
      const reply = await fetch(this.#url(""));
      const { leader }: { readonly leader: number | null } = await reply.json();
      return leader ?? undefined;
    }, { what: "node 0 knows a leader" });
  }

  /** A server joins and gets a vote: by itself, or because somebody asks for it. */
  async join(): Promise<void> {
    const { cluster, windows } = this.#options;
    const id = this.#nextId++;
    const isAsked = id % 2 === 0;
    const node = new Newcomer(cluster, { seed: 0, id, flags: isAsked ? ["--learner"] : [] });
    this.#joined.set(id, node);
    const voters = [...this.#voters, id];
    windows.setVoters(this.#voters, voters);
    node.start();
    this.ports.clients[id] = node.clientPort;
    this.ports.http[id] = node.httpPort;
    if (isAsked) await this.#ask("POST", `/members/${id}/promote`);
    await node.isMember();
    this.#setVoters(voters);
    this.changes += 2; // It was added, and promoted.
  }

  /** Removes a server that is cut off, or the leader, or any other, but not node 0. It is to end by itself. */
  async remove(): Promise<void> {
    const { cluster, windows, random, cutOff } = this.#options;
    const ids = this.#voters.filter((id) => id !== 0);
    const wanted = [...cutOff(), await this.leader()].find((one) => ids.includes(one));
    const id = wanted ?? random.pick(ids);
    const voters = this.#voters.filter((other) => other !== id);
    windows.setVoters(this.#voters, voters);
    await this.#ask("DELETE", `/members/${id}`);
    this.#setVoters(voters);
    this.changes += 1;
    const process = this.#joined.get(id)?.process ?? cluster.node(id).process;
    if (process !== undefined) this.#removed.set(id, process);
    this.#joined.delete(id);
  }

  /** Kills a server that joined, and starts it again at once. */
  async kill(): Promise<void> {
    const { windows, random } = this.#options;
    const [id, node] = random.pick([...this.#joined]);
    windows.leave(id);
    await node[Symbol.asyncDispose]();
    node.start();
    this.kills += 1;
    const restart = this.#answers(node).finally(() => windows.come(id));
    this.#restarts.add(restart);
  }

  /** Every server that was removed ends by itself and says why. Returns one line for each that does not. */
  async leftovers(): Promise<readonly string[]> {
    await Promise.all(this.#restarts);
    const ends = [...this.#removed].map(async ([id, process]) => {
      const ended = async () => process.alive ? undefined : await process.ended;
      const { code, signal } = await waitFor(ended, { what: `node ${id}, which was removed, ends` });
      return code === REMOVED_CODE ? [] : [`node ${id} was removed and ended with ${signal ?? code}`];
    });
    return (await Promise.all(ends)).flat();
  }

  /** Kills whatever still runs and is none of those that the cluster was started with. */
  async end(): Promise<void> {
    for (const node of this.#joined.values()) await node[Symbol.asyncDispose]();
    for (const process of this.#removed.values()) if (process.alive) await process.end("SIGKILL");
    await Promise.allSettled(this.#restarts);
  }

  #setVoters(voters: readonly number[]): void {
    this.#voters = voters;
    this.#options.windows.setVoters(voters);
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.#options.cluster.node(0).httpPort}/v1/cluster${path}`;
  }

  /** Asks node 0 until it is done: it may be cut off, or without a leader. */
  async #ask(method: string, path: string): Promise<void> {
    await waitFor(async () => {
      const reply = await fetch(this.#url(path), { method });
      await reply.body?.cancel();
      return reply.status === OK || undefined;
    }, { what: `${method} ${path} is done` });
  }

  async #answers(node: Newcomer): Promise<void> {
    await waitFor(async () => {
      if (node.process?.alive !== true) return true;
      await askBlockOnce(node.clientPort, "STATUS");
      return true;
    }, { what: `the node at ${node.clientPort} answers again` });
  }
}
