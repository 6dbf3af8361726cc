/** The simulated world: the cluster in memory with faults, the log it agreed on, and the checks that watch every step. */

import type { FaultSite } from "../../lib/base/faults.ts";
import { Random } from "../../lib/base/random.ts";
import { TICK_MS } from "../../lib/node/limits.ts";
import { describeEvent, describeUpdate } from "../../lib/raft/describe.ts";
import type { Message } from "../../lib/raft/messages.ts";
import { DEFAULT_RAFT_LIMITS } from "../../lib/raft/limits.ts";
import type { RaftStatus } from "../../lib/raft/status.ts";
import type { Configuration, Entry, EntryId, NodeId } from "../../lib/raft/types.ts";
import type { Greeting } from "../../lib/transport/transport.ts";
import { type ClusterOptions, MemoryCluster } from "../support/memory/memory_cluster.ts";
import { MemoryNetwork } from "../support/memory/memory_transport.ts";
import { raftChecks } from "../support/raft/checks/all.ts";
import type { Step } from "../support/raft/checks/check.ts";
import { Shadows } from "../support/raft/checks/shadow.ts";
import type { Check } from "./check.ts";
import { DamagedSnapshot } from "./checks/damaged_snapshot.ts";
import { DurableAcknowledgement } from "./checks/durable_acknowledgement.ts";
import { ExpiredKeys } from "./checks/expired_keys.ts";
import { HangingDisk } from "./checks/hanging_disk.ts";
import { IgnoredEntries } from "./checks/ignored_entries.ts";
import { OneVote } from "./checks/one_vote.ts";
import { QuorumOnDisks } from "./checks/quorum_on_disks.ts";
import { RecoveredDirectory } from "./checks/recovered_directory.ts";
import { SelfCheck } from "./checks/self_check.ts";
import { SecondCluster } from "./checks/second_cluster.ts";
import { StateHash } from "./checks/state_hash.ts";
import { TimeInStep } from "./checks/time_in_step.ts";
import { SimClock } from "./clock.ts";
import { FaultCounts } from "./faults.ts";
import { pendingLimitsOf, PendingWritesLimit, raftLimitsOf } from "./lowered_limits.ts";
import { MemoryFlips } from "./memory_flips.ts";
import { NetworkFaults } from "./network_faults.ts";
import { Reference } from "./reference.ts";
import { SimServer } from "./server.ts";
import type { Seen } from "./seen.ts";
import type { Settings } from "./settings.ts";

/** Takes the lines of a trace. */
export type TraceSink = (line: string) => void;

/** The first thing that did not hold. */
export interface Violation {
  readonly check: string;
  readonly message: string;
  readonly atMs: number;
}

const WATCH_MS = 100;
const SCRUB_BYTES_PER_SECOND = 1_048_576;

/** One simulated cluster and everything around it. */
export class World extends MemoryCluster {
  declare readonly clock: SimClock;
  declare readonly servers: readonly SimServer[];
  readonly settings: Settings;
  readonly counts: FaultCounts;
  readonly networkFaults: NetworkFaults;
  readonly reference = new Reference();
  readonly memoryFlips = new MemoryFlips();
  /** How often each thing of `SEEN` was seen. */
  readonly seen = new Map<Seen, number>();
  readonly shadows: Shadows;
  readonly expiredKeys: ExpiredKeys;
  /** Told when a process ends, so that its clients hear of it. */
  readonly onEnd: ((server: SimServer) => void)[] = [];
  violation: Violation | undefined;
  /** Whether any server has come back at another address. */
  haveMoved = false;
  /** The highest level of the cluster that any log has had. */
  highestLevel = 0;
  readonly #pressed = new Set<{ readonly site: FaultSite }>();
  readonly #checks: Check[];
  readonly #secondCluster: SecondCluster;
  readonly #sink: TraceSink | undefined;

  constructor(settings: Settings, sink: TraceSink | undefined) {
    const random = new Random(settings.seed ^ 0x5eed);
    const counts = new FaultCounts();
    const networkFaults = new NetworkFaults(settings, { random: random.fork(), counts });
    const clock = new SimClock();
    const network = networkOf(settings, { clock, networkFaults });
    // In every other run servers that were removed go on until they learn it by themselves.
    network.tellsRemovals = settings.seed % 2 === 0;
    const joiners = settings.faults.has("operator/add") || settings.faults.has("operator/replace")
      ? settings.joiners
      : 0;
    const founders = settings.servers;
    super(founders + joiners, random, { ...optionsOf(settings), clock, network, founders });
    this.settings = settings;
    this.#sink = sink;
    this.counts = counts;
    this.networkFaults = networkFaults;
    this.shadows = new Shadows((message) => this.violate("recovered-log", message));
    const { reference, servers } = this;
    this.expiredKeys = new ExpiredKeys({ reference, servers }, (message) => this.violate("expired-keys", message));
    this.#secondCluster = new SecondCluster(
      () => this.clock.now(),
      (message) => this.violate("second-cluster", message),
    );
    this.#checks = this.#makeChecks();
    this.clock.stopped = () => this.violation !== undefined;
    this.#watch();
  }

  /** Lets a site fire each time it is reached, until the function that it returns is called. */
  press(site: FaultSite): () => void {
    const pressed = { site };
    this.#pressed.add(pressed);
    return () => this.#pressed.delete(pressed);
  }

  /** Whether a site is to fire now, whatever chance says. */
  isPressed(site: FaultSite): boolean {
    return [...this.#pressed].some((pressed) => pressed.site === site);
  }

  /** Adds a check, that of the workload for example. */
  watchWith(check: Check): void {
    this.#checks.push(check);
  }

  /** Writes a line of the trace, which is made only when somebody wants it. */
  trace(line: () => string): void {
    this.#sink?.(`${this.clock.now().toFixed(3)} ${line()}`);
  }

  /** Ends the run: something does not hold. */
  violate(check: string, message: string): void {
    this.trace(() => `VIOLATION ${check}: ${message}`);
    this.violation ??= { check, message, atMs: this.clock.now() };
  }

  /** The server of that id. */
  override server(id: NodeId): SimServer {
    const server = this.servers[id];
    if (server === undefined) throw new RangeError(`There is no server ${id}`);
    return server;
  }

  override makeServer(id: NodeId): SimServer {
    return new SimServer(this, id);
  }

  /** Servers whose process serves. */
  running(): readonly SimServer[] {
    return this.servers.filter((server) => server.state === "Running" && !server.life.paused);
  }

  /** Servers that were begun and not removed. */
  membersLeft(): readonly SimServer[] {
    return this.servers.filter(({ isRemoved, isIdle }) => !isRemoved && !isIdle);
  }

  /** Whether the place of a server is not free yet: a process that is to move on stops there still. */
  isTaken({ id, place }: SimServer): boolean {
    return this.servers.some((other) => other.id !== id && other.life.alive && other.listensAt === place);
  }

  /** The latest configuration that is committed; the one the operator named before there is any. */
  configuration(): Configuration {
    const latest = this.reference.configurations.at(-1)?.configuration;
    return latest ??
      { members: this.founders, voters: this.founders.map(({ id }) => id), votersOld: [], learners: [] };
  }

  /** A core has made a step; see `NodePorts.stepped`. */
  stepped(server: SimServer, step: Step): void {
    if (this.#sink !== undefined) this.#traceStep(server, step);
    this.highestLevel = Math.max(this.highestLevel, step.raft.configuration.level ?? 0);
    for (const check of this.#checksOf(server)) check.stepped?.(server, step);
  }

  /** A message leaves a process. */
  sent(server: SimServer, message: Message): void {
    for (const check of this.#checksOf(server)) check.sent?.(server, message);
  }

  /** A process has heard the greeting of another one. */
  greeted(server: SimServer, greeting: Greeting): void {
    for (const check of this.#checksOf(server)) check.greeted?.(server, greeting);
  }

  /** A process is about to read its directory. */
  starting(server: SimServer): void {
    for (const check of this.#checksOf(server)) check.starting?.(server);
  }

  /** A process serves from now on. */
  started(server: SimServer, status: RaftStatus): void {
    for (const check of this.#checksOf(server)) check.started?.(server, status);
  }

  /** A process is gone. */
  ended(server: SimServer): void {
    for (const check of this.#checksOf(server)) check.ended?.(server);
    if (!server.isGuest) { for (const tell of this.onEnd) tell(server); }
  }

  /** A process writes a line to its log. */
  says(server: SimServer, message: string): void {
    for (const check of this.#checksOf(server)) check.says?.(server, message);
  }

  /** Counts something that was seen. */
  saw(what: Seen): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  /** A directory is new. */
  wiped(server: SimServer): void {
    this.trace(() => `node ${server.id} has lost its directory`);
    for (const check of this.#checks) check.wiped?.(server);
  }

  /** Of a guest, whose directory is none of the cluster's, only what it must not do is judged. */
  #checksOf(server: SimServer): readonly Check[] {
    return server.isGuest ? [this.#secondCluster] : this.#checks;
  }

  #committed(entry: Entry, raft: Step["raft"]): void {
    for (const check of this.#checks) check.committed?.(entry, raft);
  }

  #watch(): void {
    this.clock.after(WATCH_MS, () => {
      for (const check of this.#checks) check.watch?.();
      this.#watch();
    });
  }

  #makeChecks(): Check[] {
    const { reference, shadows, servers, settings } = this;
    const to = (name: string) => (message: string) => this.violate(name, message);
    const lookingAtDisks = settings.canary ? [] : [
      new RecoveredDirectory(to("recovered-directory")),
      new OneVote(to("one-vote")),
      new DurableAcknowledgement({ random: this.random.fork(), shadows }, to("durable-acknowledgement")),
      new QuorumOnDisks({ random: this.random.fork(), shadows, servers }, to("quorum-on-disks")),
    ];
    const parts = {
      shadows,
      committedLog: reference,
      holdsDurably: (id: NodeId, { index, term }: EntryId) => shadows.of(id).hasDurably(index, term),
      committed: (entry: Entry, raft: Step["raft"]) => this.#committed(entry, raft),
    };
    return [
      ...raftChecks(parts, to),
      ...lookingAtDisks,
      ...(settings.sites.has("raft/appendDropped") ? [] : [new IgnoredEntries(shadows, to("ignored-entries"))]),
      new StateHash({ servers, reference, flips: this.memoryFlips }, to("state-hash")),
      new SelfCheck({ servers, flips: this.memoryFlips, saw: (what) => this.saw(what) }, to("self-check")),
      new HangingDisk({
        servers,
        timeoutTicks: Math.ceil(settings.electionTimeoutMs / TICK_MS),
        networkIsWhole: () => this.networkFaults.isWhole,
      }, to("hanging-disk")),
      new DamagedSnapshot({
        timeoutTicks: Math.ceil(settings.electionTimeoutMs / TICK_MS),
        mayPutOff: settings.sites.has("node/snapshotPutOff"),
        networkIsWhole: () => this.networkFaults.isWhole,
      }, to("damaged-snapshot")),
      this.#secondCluster,
      this.expiredKeys,
      new PendingWritesLimit({ servers, settings }, to("pending-writes")),
      new TimeInStep({ reference, servers, clock: this.clock }, to("time-in-step")),
    ];
  }

  #traceStep(server: SimServer, { event, update }: Step): void {
    const effects = describeUpdate(update);
    if (event.type === "Tick" && effects.length === 0) return;
    this.trace(() => `node ${server.id} ${describeEvent(event)}${effects.map((effect) => `\n    ${effect}`).join("")}`);
  }
}

function networkOf(
  { quantumMs, latencyMs }: Settings,
  { clock, networkFaults }: { readonly clock: SimClock; readonly networkFaults: NetworkFaults },
): MemoryNetwork {
  return new MemoryNetwork({
    clock: {
      now: () => clock.now(),
      after: (delayMs, action) => {
        const at = clock.now() + delayMs;
        const due = quantumMs === 0 ? at : Math.ceil(at / quantumMs) * quantumMs;
        return clock.plan(due - clock.now(), { action, life: undefined, isArrival: true });
      },
      endOfTurn: (action) => clock.endOfTurn(action),
    },
    latencyMs: () => latencyMs,
    fates: (message) => networkFaults.fates(message, clock.now()),
  });
}

function optionsOf(settings: Settings): ClusterOptions {
  const { snapshotEntries, electionTimeoutMs, heartbeatMs, requestTimeoutMs, segmentBytes, chunkBytesMax } = settings;
  return {
    clusterId: "simulated",
    snapshotEntries,
    compression: settings.compression,
    electionTimeoutMs,
    heartbeatMs,
    requestTimeoutMs,
    segmentBytes,
    raftLimits: {
      chunkBytesMax: Math.min(chunkBytesMax, DEFAULT_RAFT_LIMITS.chunkBytesMax),
      ...raftLimitsOf(settings),
    },
    pendingLimits: pendingLimitsOf(settings),
    ...(settings.watches ? { scrubBytesPerSecond: SCRUB_BYTES_PER_SECOND } : {}),
  };
}
