/** The one log that the cluster agreed on, as its first applications showed it, and what every key was after each entry. */

import { type Command, decodeCommand, unstampCommand } from "../../lib/kv/commands.ts";
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
    const logged = decodeCommand(entry.command);
    if (logged !== undefined) this.#apply(logged.command, entry);
  }

  /** A model of its own: what the workload asks for, in the plainest way. */
  #apply(command: Command, entry: Entry & { readonly type: "Command" }): void {
    const { index } = entry;
    if (command.type === "Put") this.#change(command.key, { index, value: command.value });
    if (command.type === "Delete") this.#change(command.key, { index, value: undefined });
    if (command.type === "Call") {
      const [name, key = ""] = command.call;
      const count = Number(this.versionAt(key, index)?.value ?? "0") + 1;
      if (name === "INCR") this.#change(key, { index, value: `${count}` });
    }
    if (command.type === "Transaction") {
      // The workload stores the value of `then` if its one comparison says that the key is not there.
      const [, key = "", value = ""] = command.then[0] ?? [];
      if (this.versionAt(key, index)?.value === undefined) this.#change(key, { index, value });
    }
    this.#indexByCommand.set(unstampCommand(entry.command), index);
  }

  #change(key: string, version: Version): void {
    const versions = this.#versions.get(key) ?? [];
    if (versions.length === 0) this.#versions.set(key, versions);
    versions.push(version);
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
