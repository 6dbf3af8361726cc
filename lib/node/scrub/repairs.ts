/** The repair of damaged files from what the process has in memory, which was read while they were sound, or came from a leader. */

import type { RaftNode } from "../../raft/raft_node.ts";
import { toIndex } from "../../raft/types.ts";
import type { DamagedPart } from "../../storage/scrub.ts";
import type { Storage } from "../../storage/storage.ts";
import type { AppliedState } from "../effects/applied.ts";
import type { Persistence } from "../effects/persistence.ts";
import { SCRUB_REPAIR_RETRY_MS } from "../limits.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";

/** What is damaged, and what there is to repair it from. */
export interface RepairParts {
  readonly storage: Pick<Storage, "compact" | "indexCovering" | "leaveSegment" | "dropSnapshot">;
  readonly snapshots: Pick<Snapshots, "replace" | "take" | "newest">;
  readonly persistence: Pick<Persistence, "rolled" | "saveHardState">;
  readonly raft: Pick<RaftNode, "hardState">;
  readonly applied: AppliedState;
}

/** Who asks for a repair. */
export interface Asker {
  wait(ms: number): Promise<void>;
  isClosed(): boolean;
}

/**
 * A damaged part is never written over. The state in memory becomes a new snapshot, or the hard state a new file, and only once that is
 * durable and verified what it covers is removed: until then, a crash leaves what a start refuses.
 */
export class Repairs {
  readonly #parts: RepairParts;

  /** Repairs nothing yet. */
  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Resolves to what was done, once it is; undefined when the node closed before. Rejects with what ends the node. */
  async repair(part: DamagedPart, asker: Asker): Promise<string | undefined> {
    for (; !asker.isClosed(); await asker.wait(SCRUB_REPAIR_RETRY_MS)) {
      const done = await this.#tryTo(part);
      if (done !== undefined) return done;
    }
    return undefined;
  }

  #tryTo(part: DamagedPart): Promise<string | undefined> {
    switch (part.type) {
      case "Snapshot":
        return part.isNewest ? this.#replaceSnapshot(part) : this.#dropSnapshot(part);
      case "Segment":
        return this.#removeSegment(part.name);
      case "NodeFile":
        this.#parts.persistence.saveHardState(this.#parts.raft.hardState);
        return Promise.resolve("term and vote are written anew");
    }
  }

  async #replaceSnapshot({ id }: DamagedPart & { readonly type: "Snapshot" }): Promise<string | undefined> {
    const outcome = await this.#parts.snapshots.replace();
    if (outcome.type === "Failed") return undefined;
    // Where more was applied meanwhile the new one is another file.
    await this.#parts.storage.dropSnapshot(id);
    return `a new snapshot at index ${outcome.id.index} takes its place`;
  }

  async #dropSnapshot({ id }: DamagedPart & { readonly type: "Snapshot" }): Promise<string> {
    await this.#parts.storage.dropSnapshot(id);
    return "it is removed, and the newest snapshot has all of it";
  }

  /** A segment goes when a snapshot has all that is in it. What is in memory alone stays there until it is in one. */
  async #removeSegment(name: string): Promise<string | undefined> {
    const { storage, snapshots, persistence, applied } = this.#parts;
    if (!storage.leaveSegment(name)) return undefined;
    persistence.rolled();
    const needed = storage.indexCovering(name);
    if (needed !== undefined && applied.id.index < needed) return undefined;
    if (needed !== undefined && (snapshots.newest?.index ?? 0) < needed) await snapshots.take();
    const covered = snapshots.newest?.index ?? 0;
    if (needed !== undefined && covered >= needed) await storage.compact(toIndex(covered));
    if (storage.indexCovering(name) !== undefined) return undefined;
    return `it is removed, and the snapshot at index ${covered} has all of it`;
  }
}
