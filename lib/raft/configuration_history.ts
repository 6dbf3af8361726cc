/** The configurations of the log: the latest is in force (Raft 6), and a truncation brings back the one before it. */

import { assert } from "../base/assert.ts";
import type { Configuration } from "./types.ts";

/** A configuration and the index of its entry; that of the first is the last index covered by the snapshot, or 0. */
interface PlacedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/** A stack of configurations in ascending order of their indexes; never empty. */
export class ConfigurationHistory {
  #placed: PlacedConfiguration[];

  constructor(index: number, configuration: Configuration) {
    this.#placed = [{ index, configuration }];
  }

  /** The configuration in force: committed or not. */
  get latest(): Configuration {
    return this.#top().configuration;
  }

  /** The index of the entry that holds it. */
  get latestIndex(): number {
    return this.#top().index;
  }

  /** Index of the configuration before the latest one; undefined when that is dropped. */
  get previousIndex(): number | undefined {
    return this.#placed.at(-2)?.index;
  }

  /** The configuration that was in force before the latest one; undefined when that is dropped. */
  get previous(): Configuration | undefined {
    return this.#placed.at(-2)?.configuration;
  }

  /** The cluster's id by the configurations at or below `index`; undefined where none of them names it. */
  clusterIdThrough(index: number): string | undefined {
    for (const placed of this.#placed) {
      if (placed.index <= index && placed.configuration.clusterId !== undefined) return placed.configuration.clusterId;
    }
    return undefined;
  }

  /** A Configuration entry was appended at `index`. */
  push(index: number, configuration: Configuration): void {
    this.#placed.push({ index, configuration });
  }

  /** Entries at or above `first` are gone. */
  truncate(first: number): void {
    while (this.#placed.length > 1 && this.latestIndex >= first) this.#placed.pop();
  }

  /** Entries at or below `last` are dropped, being covered by a snapshot: of their configurations only the latest counts. */
  drop(last: number): void {
    let covered = 0;
    for (const { index } of this.#placed) if (index <= last) covered += 1;
    if (covered > 1) this.#placed = this.#placed.slice(covered - 1);
  }

  /** The whole log was replaced by a snapshot. */
  reset(index: number, configuration: Configuration): void {
    this.#placed = [{ index, configuration }];
  }

  #top(): PlacedConfiguration {
    const top = this.#placed.at(-1);
    assert(top !== undefined, "Cannot be without a configuration");
    return top;
  }
}
