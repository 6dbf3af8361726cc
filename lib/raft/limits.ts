/** The default limits of the core. A tick is 10 ms (the driver's `TICK_MS`). */

import type { RaftLimits } from "./options.ts";
import { toTicks } from "./types.ts";

/** Heartbeat 100 ms, election timeout from 1 s: longer than the stalls of a JavaScript process (docs/limits.md). */
export const DEFAULT_RAFT_LIMITS: RaftLimits = {
  heartbeatTicks: toTicks(10),
  electionTimeoutTicksMin: toTicks(100),
  inFlightMessagesMax: 64,
  entriesPerMessageMax: 4_096,
  bytesPerMessageMax: 1_048_576,
  chunkBytesMax: 262_144,
  // 3, 6, 12, 24 s: at most five transfers in any minute.
  snapshotPauseTicksMin: toTicks(300),
  snapshotPauseTicksMax: toTicks(2_400),
  uncommittedEntriesMax: 200_000,
  uncommittedBytesMax: 134_217_728,
  pendingReadsMax: 65_536,
};
