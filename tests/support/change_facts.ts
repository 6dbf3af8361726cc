/** What a leader judges a change of the membership by. */

import type { ChangeFacts } from "../../lib/node/membership/change_plan.ts";
import type { RaftStatus } from "../../lib/raft/status.ts";
import { SPOKEN_VERSIONS } from "../../lib/transport/versions.ts";
import { type Configuration, type Member, toIndex, toTerm, toTicks } from "../../lib/raft/types.ts";

/** The commit index of `facts`. */
export const COMMIT = 5_000;

/** A member with addresses like `m1:5000`. */
export function member(id: number): Member {
  const [address, clientAddress, httpAddress] = [`m${id}:15000`, `m${id}:5000`, `m${id}:8000`];
  return { id, address, clientAddress, httpAddress, identity: `directory ${id}` };
}

/** Voters 0 to 2 and learner 3, all well, seen by leader 0. */
export function facts(
  {
    configuration: other = {},
    status = {},
    lost = [],
    quarantined = [],
    suspect = [],
    behind = false,
    configurationIndex = 4_000,
    newest = [],
  }: {
    readonly configuration?: Partial<Configuration>;
    readonly status?: Partial<RaftStatus>;
    readonly lost?: readonly number[];
    readonly quarantined?: readonly number[];
    readonly suspect?: readonly number[];
    /** Whether the learner has not kept close to the leader. */
    readonly behind?: boolean;
    readonly configurationIndex?: number;
    /** The newest protocol of those that do not speak this program's; undefined for one that was never heard. */
    readonly newest?: readonly (readonly [id: number, newest: number | undefined])[];
  } = {},
): ChangeFacts {
  const members = [0, 1, 2, 3].map(member);
  const configuration = { members, voters: [0, 1, 2], votersOld: [], learners: [3], level: 7, ...other };
  const entry = { index: toIndex(COMMIT), term: toTerm(2) };
  const peer = { state: "Replicate", matchIndex: entry.index, nextIndex: toIndex(COMMIT + 1), silentTicks: toTicks(0) };
  const spoken = new Map<number, number | undefined>([
    ...configuration.members.map(({ id }) => [id, SPOKEN_VERSIONS.newest] as const),
    ...newest,
  ]);
  return {
    status: {
      id: 0,
      role: "Leader",
      currentTerm: entry.term,
      votedFor: 0,
      leaderId: 0,
      commitIndex: entry.index,
      firstIndex: toIndex(1),
      lastEntry: entry,
      lastDurable: entry,
      snapshot: { index: toIndex(0), term: toTerm(0) },
      logBytes: 0,
      configuration,
      termCommitted: true,
      progress: [1, 2, 3].map((id) => ({ id, ...peer, state: "Replicate" })),
      transferTarget: undefined,
      electionsStarted: 1,
      ...status,
    },
    configurationIndex,
    quarantined: new Set(quarantined),
    suspect: new Set(suspect),
    caughtUp: new Set(behind ? [] : [3]),
    newest: new Map([...spoken].flatMap(([id, version]) => version === undefined ? [] : [[id, version]])),
    reachable: new Set([0, 1, 2, 3, 4, 5].filter((id) => !lost.includes(id))),
  };
}
