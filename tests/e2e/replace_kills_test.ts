/**
 * `kvstore member replace` under load, with each party killed at each of its steps: the same command, repeated, ends well, the
 * cluster is as asked, and nothing that was acknowledged is lost. What the cluster shows tells the step. CI kills each party and
 * looks at each step twice or so; `KVSTORE_REPLACE_KILLS=all` takes every pair.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { askOnce } from "../support/text_client.ts";
import { waitFor, withDeadline } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

type Party = "the old server" | "the new server" | "the leader" | "the command" | "the asked follower";
type Step = "when it is added" | "while it catches up" | "when it has a vote" | "before the removal";

const PARTIES: readonly Party[] = [
  "the old server",
  "the new server",
  "the leader",
  "the command",
  "the asked follower",
];
const STEPS: readonly Step[] = ["when it is added", "while it catches up", "when it has a vote", "before the removal"];
const IN_SHORT: readonly (readonly [Party, Step])[] = [
  ["the leader", "when it is added"],
  ["the command", "when it is added"],
  ["the new server", "while it catches up"],
  ["the asked follower", "while it catches up"],
  ["the old server", "when it has a vote"],
  ["the leader", "before the removal"],
  ["the new server", "before the removal"],
];
const EVERY_PAIR = STEPS.flatMap((step) => PARTIES.map((party) => [party, step] as const));

/** The id of the new server. */
const NEW = 3;
const REMOVED_CODE = 76;

interface MemberView {
  readonly id: number;
  readonly voter: boolean;
  readonly reachable: boolean;
}

/** One replacement of a follower, asked for by way of the other one. */
class Replacement implements AsyncDisposable {
  readonly old: number;
  readonly leader: number;
  readonly via: number;
  readonly clientPort: number;
  readonly #cluster: ProcessCluster;
  readonly #place: string;
  readonly #nodeLine: readonly string[];
  readonly #command: ServerProcess;
  #node: ServerProcess | undefined;

  /** Begins. */
  constructor(cluster: ProcessCluster, leader: number) {
    const [old = -1, via = -1] = cluster.others(leader);
    const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
    const seeds = cluster.nodes.map((node) => `127.0.0.1:${node.clientPort}@${node.peerPort}`).join(",");
    this.old = old;
    this.leader = leader;
    this.via = via;
    this.clientPort = port;
    this.#cluster = cluster;
    this.#place = `127.0.0.1:${port}@${peerPort}`;
    this.#nodeLine = programLine([
      ...["node", "--join", seeds, "--node-id", `${NEW}`, "--port", `${port}`],
      ...["--peer-port", `${peerPort}`, "--http-port", `${httpPort}`, "--data-dir", `${cluster.root}/node-${NEW}`],
    ]);
    this.#command = new ServerProcess(programLine(this.#commandLine(via)));
  }

  /** Lets it come to a step. The command is stopped for a while where it would be through with the step before it is seen. */
  async reach(step: Step): Promise<void> {
    await this.#until("the new server is added", (members) => memberOf(members, NEW) !== undefined);
    if (step === "when it is added") return;
    this.#startNode();
    await this.#until("the new server is heard", (members) => memberOf(members, NEW)?.reachable === true);
    if (step === "while it catches up") return;
    this.#command.signal("SIGSTOP");
    const asked = step === "before the removal" ? [this.old, this.leader, this.via] : [this.leader];
    for (const id of asked) {
      await this.#until("the new server has a vote", (members) => memberOf(members, NEW)?.voter === true, id);
    }
    assert(memberOf(await this.#members(this.leader), this.old) !== undefined, "the removal came before its step");
  }

  async kill(party: Party): Promise<void> {
    if (party === "the command") await this.#command.end("SIGKILL");
    else if (party === "the new server") await this.#startNode().end("SIGKILL");
    else await this.#cluster.kill(this.#founder(party));
  }

  /** The new server runs, or runs again, and the command that was not killed ends well. */
  async goOn(killed: Party): Promise<void> {
    this.#startNode();
    if (this.#command.paused) this.#command.signal("SIGCONT");
    const { code } = await withDeadline(this.#command.ended, { what: "the command ends" });
    if (killed !== "the command") assertEquals(code, 0, this.#command.lines.slice(-3).join(" | "));
  }

  /** The same command by way of a server that was not killed. */
  async repeat(killed: Party): Promise<void> {
    const via = killed === "the asked follower" ? this.leader : this.via;
    const { code, stdout, stderr } = await runProgram([...this.#commandLine(via)]);
    const done = `Member ${NEW} has a vote in the place of ${this.old}, which is removed.`;
    const before = this.#command.lines.slice(-3).join(" | ");
    assertEquals([code, stdout.trimEnd().split("\n").at(-1)], [0, done], `${stderr}; the one before said: ${before}`);
    const voters = (await this.#members(via)).filter(({ voter }) => voter).map(({ id }) => id);
    assertEquals(voters, [this.leader, this.via, NEW].sort());
  }

  /** Whoever was killed runs again: those that stay have caught up, and the old server says that it was removed. */
  async settle(killed: Party): Promise<void> {
    for (const id of [this.leader, this.via]) {
      if (this.#cluster.node(id).process?.alive !== true) await this.#cluster.restart(id);
    }
    if (killed === "the old server") this.#cluster.launch(this.old);
    const { process } = this.#cluster.node(this.old);
    await waitFor(() => process?.alive === true ? undefined : true, { what: "the old server ends" });
    assertEquals((await process?.ended)?.code, REMOVED_CODE, process?.lines.slice(-3).join(" | "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of [this.#command, this.#node]) if (process?.alive === true) await process.end("SIGKILL");
  }

  #founder(party: Party): number {
    if (party === "the leader") return this.leader;
    return party === "the old server" ? this.old : this.via;
  }

  #commandLine(via: number): readonly string[] {
    const address = `127.0.0.1:${this.#cluster.node(via).clientPort}`;
    return ["member", "replace", `${this.old}`, this.#place, "--yes", "--connect", address, "--wait-ms", "30000"];
  }

  #startNode(): ServerProcess {
    if (this.#node?.alive !== true) this.#node = new ServerProcess(this.#nodeLine);
    return this.#node;
  }

  async #until(
    what: string,
    isSo: (members: readonly MemberView[]) => boolean,
    id: number = this.leader,
  ): Promise<void> {
    await waitFor(async () => isSo(await this.#members(id)) || undefined, { what: `${what}, as node ${id} shows` });
  }

  async #members(id: number): Promise<readonly MemberView[]> {
    const reply = await fetch(`http://127.0.0.1:${this.#cluster.node(id).httpPort}/v1/cluster`);
    const { members }: { readonly members: readonly MemberView[] } = await reply.json();
    return members;
  }
}

function memberOf(members: readonly MemberView[], id: number): MemberView | undefined {
  return members.find((member) => member.id === id);
}

for (const [party, step] of Deno.env.get("KVSTORE_REPLACE_KILLS") === "all" ? EVERY_PAIR : IN_SHORT) {
  Deno.test(`a server is replaced though ${party} is killed ${step}`, () =>
    withCluster({}, async (cluster) => {
      const leader = await cluster.waitForLeader();
      await waitFor(async () => (await cluster.block(leader, "CLUSTER")).includes("Level: 8") || undefined, {
        what: "the level rises",
      });
      const ledger = new Ledger();
      await using replacement = new Replacement(cluster, leader);
      const ports = [...cluster.ports, replacement.clientPort];
      const writers = new Writers({ ports, ledger, clients: 3, pauseMs: 10 });
      try {
        await replacement.reach(step);
        await replacement.kill(party);
        await replacement.goOn(party);
        await replacement.repeat(party);
        await replacement.settle(party);
      } finally {
        await writers.stop();
      }
      const [first = ""] = ledger.acknowledged.keys();
      for (const port of [replacement.clientPort, cluster.node(replacement.via).clientPort]) {
        // One that has just been started again may know no leader yet.
        await waitFor(async () => (await askOnce(port, `GET ${first}`)).startsWith("value of ") || undefined, {
          what: `the node at ${port} reads ${first}`,
        });
        assertEquals((await ledger.check(port)).slice(0, 5), [], "broken promises");
      }
      assertGreater(ledger.acknowledged.size, 50);
    }));
}
