/** Runs in which one limit is lowered: without one nothing is refused as overload, and no node has more writes waiting than it may. */

import { DEFAULT_PENDING_LIMITS, type PendingLimits } from "../../lib/node/limits.ts";
import type { RaftLimits } from "../../lib/raft/options.ts";
import type { Violate } from "../support/raft/checks/check.ts";
import type { Check } from "./check.ts";
import type { SimServer } from "./server.ts";
import { OVERLOAD_SITES, type Settings } from "./settings.ts";
import type { World } from "./world.ts";

const WRITES_MAX = 2;
const WRITE_BYTES_MAX = 100;
const READS_MAX = 2;
const LOG_ENTRIES_MAX = 2;
const LOG_BYTES_MAX = 100;

/** What may wait for its outcome in a node of this run. */
export function pendingLimitsOf({ lowered }: Settings): Partial<PendingLimits> {
  switch (lowered) {
    case "writes":
      return { writesMax: WRITES_MAX };
    case "write bytes":
      return { writeBytesMax: WRITE_BYTES_MAX };
    case "reads":
      return { readsMax: READS_MAX };
    default:
      return {};
  }
}

/** What the core of a leader of this run may have in its log and not committed. */
export function raftLimitsOf({ lowered }: Settings): Partial<RaftLimits> {
  switch (lowered) {
    case "log entries":
      return { uncommittedEntriesMax: LOG_ENTRIES_MAX };
    case "log bytes":
      return { uncommittedBytesMax: LOG_BYTES_MAX };
    default:
      return {};
  }
}

/** Counts a refusal under the limit that is lowered; in other runs only a site that stands for overload explains it. */
export function noteOverload(
  world: World,
  { done, what }: { readonly done: Map<string, number>; readonly what: string },
): void {
  const { lowered, sites } = world.settings;
  if (lowered !== undefined) {
    const name = `overloaded by ${lowered}`;
    done.set(name, (done.get(name) ?? 0) + 1);
  } else if (!OVERLOAD_SITES.some((site) => sites.has(site))) {
    world.violate("overload", `${what} was refused as overload, and no limit is low`);
  }
}

/** No node has more writes waiting than it may. */
export class PendingWritesLimit implements Check {
  readonly name = "pending-writes";
  readonly #servers: readonly SimServer[];
  readonly #writesMax: number;
  readonly #violate: Violate;

  constructor(parts: { readonly servers: readonly SimServer[]; readonly settings: Settings }, violate: Violate) {
    this.#servers = parts.servers;
    this.#writesMax = { ...DEFAULT_PENDING_LIMITS, ...pendingLimitsOf(parts.settings) }.writesMax;
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer): void {
    this.#look(server);
  }

  /** See `Check`. */
  watch(): void {
    for (const server of this.#servers) this.#look(server);
  }

  #look({ id, node }: SimServer): void {
    const open = node?.driver.writesOpen ?? 0;
    if (open > this.#writesMax) this.#violate(`${open} writes wait on node ${id}, and ${this.#writesMax} may`);
  }
}
