/**
 * Golden scripts over a cluster in memory.
 *
 * A script is a list of blocks, parted by blank lines. A block is comments (`#`) and commands, a line `---`, and what was
 * observed. Each observed step is one line `server: event` with its effects below, indented. Ticks without effects are
 * left out. A command after `quiet` shows nothing.
 */

import type { Event } from "../../../lib/raft/events.ts";
import { describeConfiguration, describeEntries, describeEvent, describeUpdate } from "../../../lib/raft/describe.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { Update } from "../../../lib/raft/update.ts";
import { RaftCluster } from "./cluster.ts";
import { memberOf } from "./values.ts";

type Command = (script: ScriptRun, words: readonly string[]) => void;

/** What a script may say; the words that follow are in the comment. */
const COMMANDS: Readonly<Record<string, Command>> = {
  /** voters 1,2,3 learners 4 spares 5 */
  cluster: (script, words) => script.start(words),
  /** server */
  elect: (script, [id]) => script.cluster.elect(number(id)),
  /** server commands... */
  propose: (script, [id, ...commands]) => void script.cluster.propose(number(id), commands),
  /** server */
  read: (script, [id]) => script.step(id, { type: "Read", id: script.cluster.nextRequest() }),
  /** server [count] */
  tick: (script, [id, count]) => {
    for (let tick = 0; tick < number(count ?? "1"); tick++) script.step(id, { type: "Tick" });
  },
  /** ticks for all servers, settling after each */
  run: (script, [count]) => script.cluster.run(number(count)),
  /** everything that is under way */
  settle: (script) => script.cluster.settle(),
  /** server [count]: the oldest writes become durable */
  sync: (script, [id, count]) => script.cluster.sync(number(id), count === undefined ? undefined : number(count)),
  /** [count]: the oldest messages arrive */
  deliver: (script, [count]) => script.deliver(number(count ?? "1")),
  /** place [copy]: the message at a place of the queue arrives before the others; a copy stays there */
  pick: (script, [at, copy]) => script.cluster.deliver(number(at), copy === "copy"),
  /** everything on the network is lost */
  drop: (script) => void script.cluster.network.splice(0),
  /** server */
  isolate: (script, [id]) => script.cluster.isolate(number(id)),
  heal: (script) => script.cluster.heal(),
  /** server peer */
  disconnect: (script, [id, peer]) => script.step(id, { type: "PeerDisconnected", peer: number(peer) }),
  /** server */
  stall: (script, [id]) => script.step(id, { type: "Stalled" }),
  /** server */
  crash: (script, [id]) => script.cluster.crash(number(id)),
  /** server */
  restart: (script, [id]) => script.cluster.restart(number(id)),
  /** server entries-to-keep */
  snapshot: (script, [id, keep]) => script.cluster.snapshot(number(id), number(keep)),
  /** server */
  load: (script, [id]) => script.cluster.finishLoading(number(id)),
  /** server */
  reject: (script, [id]) => script.cluster.finishLoading(number(id), false),
  /** server voters 1,2 learners 3 */
  change: (script, words) => script.change(words),
  /** server [target] */
  transfer: (script, [id, target]) => {
    script.step(id, { type: "TransferLeadership", target: target === undefined ? undefined : number(target) });
  },
  /** shows role, term, log and configuration of every server */
  show: (script) => script.show(),
};

/** Runs every block of a script and returns the script as it should be. */
export function runScript(text: string): string {
  const run = new ScriptRun();
  const blocks = text.trim().split(/\n\n+/).map((block) => {
    const lines = block.split("\n");
    const end = lines.indexOf("---");
    const commands = end < 0 ? lines : lines.slice(0, end);
    return [...commands, "---", ...run.block(commands)].join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}

/** The state of one script while it runs. */
class ScriptRun {
  #cluster: RaftCluster | undefined;
  #observed: string[] = [];
  #quiet = false;

  get cluster(): RaftCluster {
    if (this.#cluster === undefined) throw new Error("Cannot run a script that does not begin with `cluster`");
    return this.#cluster;
  }

  /** Runs the commands of one block and returns what was observed. */
  block(lines: readonly string[]): readonly string[] {
    this.#observed = [];
    for (const line of lines) {
      if (line.startsWith("#") || line.trim() === "") continue;
      const words = line.trim().split(/\s+/);
      this.#quiet = words[0] === "quiet";
      const [name, ...rest] = this.#quiet ? words.slice(1) : words;
      const command = COMMANDS[name ?? ""];
      if (command === undefined) throw new Error(`Cannot run unknown command ${JSON.stringify(line)}`);
      command(this, rest);
    }
    return this.#observed.length > 0 ? this.#observed : ["nothing"];
  }

  start(words: readonly string[]): void {
    const lists = namedLists(words);
    this.#cluster = new RaftCluster({
      voters: lists.get("voters") ?? [],
      learners: lists.get("learners") ?? [],
      spares: lists.get("spares") ?? [],
      seed: 1,
      observe: (id, event, update) => this.#observe({ id, event, update }),
    });
  }

  step(id: string | undefined, event: Event): void {
    this.cluster.step(number(id), event);
  }

  deliver(count: number): void {
    for (let message = 0; message < count; message++) this.cluster.deliver();
  }

  change([id, ...words]: readonly string[]): void {
    const lists = namedLists(words);
    const voters = lists.get("voters") ?? [];
    const learners = lists.get("learners") ?? [];
    const members = [...voters, ...learners].map(memberOf);
    const request = this.cluster.nextRequest();
    this.step(id, { type: "ChangeMembership", id: request, members, voters, learners });
  }

  show(): void {
    for (const { id, up, node } of this.cluster.servers.values()) {
      const { role, currentTerm, commitIndex, configuration } = node.status();
      const log = describeEntries(node.logTail(20));
      const state = up ? role : "down";
      const voters = describeConfiguration(configuration);
      this.#observed.push(
        `${id}: ${state} term ${currentTerm} commit ${commitIndex} voters ${voters} log ${log || "empty"}`,
      );
    }
  }

  #observe(step: { readonly id: NodeId; readonly event: Event; readonly update: Update }): void {
    const effects = describeUpdate(step.update);
    if (this.#quiet || (step.event.type === "Tick" && effects.length === 0)) return;
    this.#observed.push(`${step.id}: ${describeEvent(step.event)}`);
    for (const effect of effects) this.#observed.push(`   ${effect}`);
  }
}

/** `voters 1,2 learners 3` as lists by name. */
function namedLists(words: readonly string[]): ReadonlyMap<string, number[]> {
  const lists = new Map<string, number[]>();
  for (let at = 0; at + 1 < words.length; at += 2) {
    lists.set(words[at] ?? "", (words[at + 1] ?? "").split(",").map(number));
  }
  return lists;
}

function number(word: string | undefined): number {
  const value = Number(word);
  if (word === undefined || !Number.isInteger(value)) {
    throw new Error(`Cannot read ${JSON.stringify(word)} as a number`);
  }
  return value;
}
