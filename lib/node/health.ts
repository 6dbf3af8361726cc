/** What a node knows of its own fitness. */

import type { Storage } from "../storage/storage.ts";
import type { NodeHealth } from "./api.ts";
import type { DiskWatch } from "./disk_watch.ts";

/** Bytes of the write that must find room for a node to count as one that takes writes. */
const PROBE_BYTES = 4_096;

/** Set by the node as its life goes on; only ever from false to true. */
export class Health {
  stopping = false;
  failed = false;

  /** As of now. */
  view({ storage, diskWatch }: { readonly storage: Storage; readonly diskWatch: DiskWatch }): NodeHealth {
    const { stopping, failed } = this;
    const { hungMs } = diskWatch;
    if (failed) return { stopping, failed, hasSpace: false, hungMs };
    try {
      // What the leader sends may be longer than a probe: a node that has no room for that lags.
      const hasSpace = storage.reserve(PROBE_BYTES, 1) && storage.reserveBody(diskWatch.refusedBytes);
      return { stopping, failed, hasSpace, hungMs };
    } catch {
      // A disk that failed for good says so with every call; the driver meets the same error with its next write.
      return { stopping, failed: true, hasSpace: false, hungMs };
    }
  }
}
