/** The classes of faults that the simulator injects, and how often each was. */

/** What each class does. A run switches each off with a probability of its own; `counts` says what really happened. */
export const FAULT_CLASSES = {
  "network/loss": "a message is lost",
  "network/duplicate": "a message arrives twice or more often",
  "network/reorder": "a message overtakes others by a delay of its own",
  "network/tail": "a message is late by up to some seconds",
  "network/cut": "two nodes are parted, and both are told",
  "network/partition": "the nodes are parted into two groups, silently",
  "network/isolate-leader": "the leader reaches less than a majority, and may have a slow clock",
  "network/one-way": "messages pass in one direction only",
  "network/bridge": "two groups that reach each other only through one node",
  "network/clog": "everything between two nodes waits and then comes at once",
  "network/reset": "a connection ends and is made again",
  "network/late-answers": "a leader that lost its office and got it back hears answers from its first term",
  "network/overtaken-leader": "a leader that was parted hears of entries or a snapshot that its own entries contradict",
  "clock/skew": "a process begins with another time",
  "clock/drift": "a clock runs fast or slow",
  "clock/jump": "a clock jumps forward",
  "clock/date": "the date of one machine, the same one in a run, jumps by up to 20 minutes",
  "process/pause": "a process stands still for a while",
  "process/kill": "a process is killed; the page cache stays",
  "process/stop": "a process is told to stop and does so in order",
  "process/kill-starting": "a process is killed while it recovers",
  "power/loss": "a machine loses power: what is not synced is kept, lost, torn or reordered",
  "power/loss-of-all": "all machines lose power at once",
  "power/torn-sectors": "sectors of one write survive a power loss partly",
  "power/dropped-operations": "changes of a directory that were not synced are lost",
  "disk/slow-sync": "a sync takes long",
  "disk/hanging-sync": "syncs neither complete nor fail for a while",
  "disk/failed-sync": "a sync fails",
  "disk/failed-write": "a write fails",
  "disk/failed-read": "a read fails",
  "disk/full": "the disk has no room for a while",
  "disk/bit-flip": "a bit of synced data changes",
  "disk/lost-write": "a sector of synced data holds what it held before",
  "disk/misdirected-write": "a sector of synced data is found in another place",
  "disk/damaged-snapshot": "a bit of a snapshot changes on the disk of the leader that sends it",
  "disk/emptied": "a directory is emptied and its node started again as if nothing had happened",
  "disk/emptied-majority":
    "a majority starts with empty directories as if nothing had happened, and has its own again later",
  "disk/wiped": "a directory is lost and its node is admitted again with a new one",
  "operator/snapshot": "a checkpoint is asked for",
  "operator/transfer": "the leadership is handed to another node",
  "operator/demote": "a voter becomes a learner",
  "operator/promote": "a learner becomes a voter",
  "operator/early-change": "a change of the members is asked of a leader before it has committed an entry of its term",
  "operator/remove": "a server is removed for good; its process may go on for a while, or for ever",
  "operator/add": "a new server joins, announced before or not, and becomes a voter by itself or when it is asked for",
  "operator/program": "a node is started with the program of the version before, or with the newest again",
  "operator/drain": "a server is drained, or undrained",
  "operator/move": "a server comes back at another address, one of which another one was or is, or all do at once",
  "operator/replace": "a server is added, becomes a voter, and another one is removed, several times one after another",
  "memory/bit-flip": "a bit of a record changes in the memory of a node",
} as const;

/** The name of a class. */
export type FaultClass = keyof typeof FAULT_CLASSES;

/** The names in order. */
export const FAULT_CLASS_NAMES = Object.keys(FAULT_CLASSES) as FaultClass[];

/** Those of several steps, each of which waits for the one before: a source of its own draws when, in some of the runs. */
export const ORDERED_FAULTS: ReadonlySet<FaultClass> = new Set<FaultClass>([
  "network/late-answers",
  "network/overtaken-leader",
]);

/** Of these a source of its own draws whether a run has them, so that a seed has the others that it always had. */
export const DRAWN_APART: ReadonlySet<FaultClass> = new Set<FaultClass>([
  ...ORDERED_FAULTS,
  "operator/early-change",
  "operator/add",
  "operator/program",
  "operator/drain",
  "operator/move",
  "operator/replace",
  "memory/bit-flip",
]);

/**
 * Between two of a kind in the mean. Each has a plan of its own: among all the others it would be too rare, since few moments
 * allow it, or feel it: it takes a leader, voters that can be spared, a cluster that has risen to the level for it, a disk that is used.
 */
export const RARELY_ALLOWED_MS: ReadonlyMap<FaultClass, number> = new Map<FaultClass, number>([
  ["operator/drain", 5_000],
  ["operator/remove", 8_000],
  ["operator/demote", 6_000],
  ["disk/emptied-majority", 12_000],
  ["disk/emptied", 9_000],
  ["operator/move", 6_000],
  ["operator/replace", 1_500],
  ["disk/full", 7_000],
  ["disk/failed-read", 5_000],
  ["memory/bit-flip", 6_000],
]);

/** How often each fault was injected. */
export class FaultCounts {
  readonly #counts = new Map<FaultClass, number>();

  /** One more. */
  add(fault: FaultClass, count = 1): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + count);
  }

  /** By class, in the order of `FAULT_CLASSES`. */
  entries(): readonly (readonly [FaultClass, number])[] {
    return FAULT_CLASS_NAMES.map((name) => [name, this.#counts.get(name) ?? 0]);
  }
}
