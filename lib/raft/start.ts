/** The state of a server at the start of its life, from what was recovered. */

import { assert } from "../base/assert.ts";
import type { Core } from "./core.ts";
import { DRAINED_TIMEOUTS } from "./drained.ts";
import { newFounding } from "./founding.ts";
import { RaftLog } from "./log.ts";
import type { RaftOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { type Term, ZERO_ENTRY_ID } from "./types.ts";

/** A follower that knows no leader (Raft 5.2), with the recovered term, vote and log. */
export function startCore(options: RaftOptions): Core {
  const { id, limits, snapshot, hardState } = options;
  const base = snapshot?.lastIncluded ?? ZERO_ENTRY_ID;
  const configuration = snapshot?.configuration ?? options.initialConfiguration;
  const log = new RaftLog({ base, configuration, runs: options.runs });
  // Divergence D4. The log may have become durable before the term it was written in: that term is over, with whatever was
  // done in it.
  const behind = log.lastTerm > hardState.currentTerm;
  const currentTerm: Term = behind ? log.lastTerm : hardState.currentTerm;
  return {
    roleState: { role: "Follower" },
    currentTerm,
    votedFor: behind ? undefined : hardState.votedFor,
    leaderId: undefined,
    electionsStarted: 0,
    id,
    options,
    limits,
    log,
    outbox: new Outbox(),
    election: {
      elapsedTicks: 0,
      timeoutTicks: firstTimeout(options, log),
      hurried: false,
      refusals: 0,
      // This life has heard no leader: it may vote at once.
      leaderSilentTicks: limits.electionTimeoutTicksMin,
      isNeeded: false,
      timeoutsLeft: DRAINED_TIMEOUTS,
    },
    following: { matchedIndex: base.index, acknowledgedIndex: 0, round: 0 },
    commitIndex: base.index,
    appliedIndex: base.index,
    snapshot,
    receiving: undefined,
    forwardedReads: new Map(),
    lastToken: 0,
    ticks: 0,
    founding: newFounding(),
    clusterId: hardState.clusterId ?? snapshot?.configuration.clusterId,
    isQuarantined: false,
    quarantineTicks: 0,
    disk: { waitedTicks: 0, behindTicks: 0 },
    strayTerms: 0,
  };
}

/** A sole voter has nobody to wait for, nor to disturb: it campaigns at the first tick (divergence D3). */
function firstTimeout(options: RaftOptions, log: RaftLog): number {
  const { voters, votersOld } = log.configuration;
  const drawn = options.drawElectionTimeout();
  assert(
    drawn >= options.limits.electionTimeoutTicksMin,
    `Cannot use an election timeout of ${drawn} ticks: too short`,
  );
  if (voters.length === 1 && voters[0] === options.id && votersOld.length === 0) return 1;
  // A server that has just started may ask sooner (divergence D16): who hears a leader refuses its PreVote.
  return options.firstElectionTimeoutTicks ?? drawn;
}
