/** What `Snapshots` is made with, where nothing else of a node is there. */

import type { SnapshotsParts } from "../../lib/node/snapshots/snapshots.ts";
import { Registry } from "../../lib/observe/metrics.ts";
import { EMPTY_CONFIGURATION } from "../../lib/raft/types.ts";

/** Parts that ask for nothing and are told nothing; what ends the node is thrown. */
export function quietSnapshotParts(): Omit<SnapshotsParts, "storage" | "clock" | "memory" | "applied" | "applier"> {
  return {
    seed: [1, 2],
    metrics: new Registry(),
    log: () => {},
    raft: { heldBytes: 0, bytesBehind: () => 0, configuration: EMPTY_CONFIGURATION },
    directory: { readsZstd: () => false },
    space: { dueBytesMax: Infinity, trailingBytesMax: Infinity, snapshotBegins: () => {} },
    inbox: { put: () => {} },
    quarantine: { isFenced: false, replaced: () => {} },
    sweep: { found: () => {} },
    lifetime: {
      fail: (error) => {
        throw error;
      },
    },
    newest: undefined,
    snapshotEntries: 1_000,
    snapshotBytes: 1_000_000,
    compression: "off",
  };
}
