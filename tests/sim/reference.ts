/** The one log that the cluster agreed on, as its first applications showed it, and what every key was after each entry. */

import { decodeCommand } from "../../lib/kv/commands.ts";
import type { Configuration, Entry } from "../../lib/raft/types.ts";

/** A value after the entry at `index`; undefined when the key was not there. */
interface Version {
  readonly index: number;
  readonly value: string | undefined;
}

/** The committed log and the state of a model that applies it. */
export class Reference {
  /** By index - 1. */
  readonly entries: Entry[] = [];
  readonly configurations: { readonly index: number; readonly configuration: Configuration }[] = [];
  readonly #versions = new Map<string, Version[]>();
  readonly #indexByCommand = new Map<string, number>();

  /** Index of the last entry. */
  get lastIndex(): number {
    return this.entries.length;
  }

  /** The entry at an index. */
  at(index: number): Entry | undefined {
    return this.entries[index - 1];
  }

  /** Takes the next entry. */
  append(entry: Entry): void {
    this.entries.push(entry);
    if (entry.type === "Configuration") {
      this.configurations.push({ index: entry.index, configuration: entry.configuration });
    }
    if (entry.type !== "Command") return;
    const command = decodeCommand(entry.command);
    if (command === undefined) return;
    const versions = this.#versions.get(command.key) ?? [];
    if (versions.length === 0) this.#versions.set(command.key, versions);
    versions.push({ index: entry.index, value: command.type === "Put" ? command.value : undefined });
    if (command.type === "Put") this.#indexByCommand.set(entry.command, entry.index);
  }

  /** Where a put was committed; undefined while it is not. Values are unique. */
  indexOf(command: string): number | undefined {
    return this.#indexByCommand.get(command);
  }

  /** The last change of `key` at or below `index`. */
  versionAt(key: string, index: number): Version | undefined {
    const versions = this.#versions.get(key) ?? [];
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((versions[middle]?.index ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return versions[low - 1];
  }

  /** Every key that was ever written. */
  keys(): readonly string[] {
    return [...this.#versions.keys()];
  }
}
