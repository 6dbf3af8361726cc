/** Equal states after equal entries: what each node holds is what the committed log says, and so the same on all nodes. */

import type { KeyRecord } from "../../../lib/kv/key_record.ts";
import type { Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { MemoryFlips } from "../memory_flips.ts";
import type { ModelRecord } from "../model/record.ts";
import type { Reference } from "../reference.ts";
import type { SimServer } from "../server.ts";

/** So many digests are kept: those of the last indexes at which a node was looked at. */
const DIGESTS_MAX = 1_000;

/**
 * Compares the keys of each running node with the model, and the digest of all that it has applied with those of other nodes at the same
 * index, now and then and after each start. A state of which a bit was changed is left out, for as long as it lasts.
 */
export class StateHash implements Check {
  readonly name = "state-hash";
  readonly #servers: readonly SimServer[];
  readonly #reference: Reference;
  readonly #flips: MemoryFlips;
  readonly #violate: Violate;
  /** By index, and whose it was. */
  readonly #digests = new Map<number, { readonly digest: string; readonly id: number }>();

  constructor(
    parts: { readonly servers: readonly SimServer[]; readonly reference: Reference; readonly flips: MemoryFlips },
    violate: Violate,
  ) {
    this.#servers = parts.servers;
    this.#reference = parts.reference;
    this.#flips = parts.flips;
    this.#violate = violate;
  }

  /** See `Check`. */
  watch(): void {
    for (const server of this.#servers) this.#compare(server);
  }

  /** See `Check`. */
  started(server: SimServer): void {
    this.#compare(server);
  }

  #compare(server: SimServer): void {
    const applied = server.node?.driver.applied;
    if (applied === undefined) return;
    const { index } = applied.id;
    if (index > this.#reference.lastIndex) {
      this.#violate(`node ${server.id} has applied ${index}, but only ${this.#reference.lastIndex} are committed`);
      return;
    }
    // Until another state has taken its place.
    if (this.#flips.isIn(server)) return;
    this.#compareDigest(server.id, index, applied.state.digest);
    let size = 0;
    for (const key of this.#reference.keys()) {
      const wanted = this.#reference.seenAt(key, { index, nowMs: applied.state.readTimeMs });
      const found = applied.state.get(key);
      if (this.#reference.recordAt(key, index) !== undefined) size += 1;
      if (isSame(found, wanted)) continue;
      const shown = `is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
      return this.#violate(`node ${server.id} at ${index}: ${JSON.stringify(key)} ${shown}`);
    }
    if (applied.state.size !== size) this.#violate(`node ${server.id} at ${index} has ${applied.state.size} keys`);
  }

  #compareDigest(id: number, index: number, digest: string): void {
    const known = this.#digests.get(index);
    if (known === undefined) {
      this.#digests.set(index, { digest, id });
      if (this.#digests.size > DIGESTS_MAX) this.#digests.delete(this.#digests.keys().next().value ?? index);
    } else if (known.digest !== digest) {
      this.#violate(`at ${index} node ${id} has the digest ${digest}, and node ${known.id} had ${known.digest}`);
    }
  }
}

function isSame(found: KeyRecord | undefined, wanted: ModelRecord | undefined): boolean {
  if (found === undefined || wanted === undefined) return found === wanted;
  return found.value === wanted.value && found.revision === wanted.revision && found.version === wanted.version &&
    found.createRevision === wanted.createRevision && found.expiresAt === wanted.expiresAt;
}
