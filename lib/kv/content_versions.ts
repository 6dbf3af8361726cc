/** The versions of what the state machine puts into log and snapshots, for storage, which carries both unread. */

import { COMMAND_VERSION, commandVersionOf } from "./commands.ts";
import { SNAPSHOT_FORMAT, stateVersionOf } from "./snapshot_cut.ts";

/** A `ContentVersions` of storage. */
export const CONTENT_VERSIONS = {
  state: { known: SNAPSHOT_FORMAT, find: stateVersionOf },
  command: { known: COMMAND_VERSION, find: commandVersionOf },
} as const;
