/** When a server campaigns, and how long it holds with the leader it heard. Time is ticks; chance is injected. */

import { fault } from "../base/faults.ts";
import type { Core } from "./core.ts";
import { resetPatience } from "./drained.ts";

/** Raft 5.2: another random election timeout, from now on. */
export function restartElectionTimer(core: Core): void {
  const { election } = core;
  election.elapsedTicks = 0;
  election.timeoutTicks = fault("raft/electionTimeoutShortest")
    ? core.limits.electionTimeoutTicksMin
    : core.options.drawElectionTimeout();
  if (fault("raft/electionTimeoutDoubled")) election.timeoutTicks *= 2;
  election.hurried = false;
}

/**
 * A short random delay instead: the leader is known to be gone, or an election was refused and may be split.
 * Departure from Raft 5.2, which waits a whole timeout (divergence D2): PreVote keeps it harmless.
 */
export function hurryElection(core: Core): void {
  const { election } = core;
  election.elapsedTicks = 0;
  election.timeoutTicks = fault("raft/disconnectDelayNone") ? 1 : core.options.drawDisconnectDelay();
  election.hurried = true;
}

/**
 * A vote was refused though PreVote was won: most likely the vote is split, and the next try follows soon (divergence D2).
 * Each time later, up to a whole timeout: on slow disks votes may take longer to come than the refusal did.
 */
export function retryElection(core: Core): void {
  const { election, options } = core;
  const whole = options.drawElectionTimeout();
  hurryElection(core);
  election.timeoutTicks = fault("raft/retryWaitsWhole")
    ? whole
    : Math.min(whole, election.timeoutTicks * 2 ** election.refusals);
  election.refusals += 1;
}

/** The leader of the current term was heard. */
export function heardLeader(core: Core): void {
  core.election.refusals = 0;
  resetPatience(core);
  core.election.leaderSilentTicks = 0;
  restartElectionTimer(core);
}

/** From now on this server may vote for another: the leader left, or this server cannot tell how long it was silent (B7, B23). */
export function forgetLeaderContact(core: Core): void {
  core.election.leaderSilentTicks = core.limits.electionTimeoutTicksMin;
}
