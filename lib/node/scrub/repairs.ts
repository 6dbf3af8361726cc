/** The repair of damaged files from what the process has in memory, which was read while they were sound, or came from a leader. */

import { AccessError, NoSpaceError } from "../../base/errors.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import { toIndex } from "../../raft/types.ts";
import type { DamagedPart } from "../../storage/scrub.ts";
import type { Storage } from "../../storage/storage.ts";
import type { AppliedState } from "../effects/applied.ts";
import type { Persistence } from "../effects/persistence.ts";
import { GrowingPause } from "../growing_pause.ts";
import { REPAIR_RETRY_MS_MAX, SCRUB_REPAIR_RETRY_MS } from "../limits.ts";
import type { NodeLog } from "../options.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";

/** What is damaged, and what there is to repair it from. */
export interface RepairParts {
  readonly storage: Pick<Storage, "compact" | "indexCovering" | "leaveSegment" | "dropSnapshot" | "restoreKeyFile">;
  readonly snapshots: Pick<Snapshots, "replace" | "take" | "newest">;
  readonly persistence: Pick<Persistence, "rolled" | "saveHardState">;
  readonly raft: Pick<RaftNode, "hardState">;
  readonly applied: Pick<AppliedState, "id">;
  readonly log: NodeLog;
}

/** What came of one attempt. `Waits`: nothing was written, and what it waits for comes by itself. */
type Attempt =
  | { readonly type: "Done"; readonly how: string }
  | { readonly type: "Waits" }
  | { readonly type: "Failed"; readonly message: string };

const WAITS: Attempt = { type: "Waits" };
const MS_PER_SECOND = 1_000;

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
    const pause = new GrowingPause({ msMin: SCRUB_REPAIR_RETRY_MS, msMax: REPAIR_RETRY_MS_MAX });
    while (!asker.isClosed()) {
      const attempt = await this.#tryTo(part);
      if (attempt.type === "Done") return attempt.how;
      await asker.wait(attempt.type === "Waits" ? SCRUB_REPAIR_RETRY_MS : this.#failed(attempt.message, pause));
    }
    return undefined;
  }

  #failed(message: string, pause: GrowingPause): number {
    const ms = pause.failed();
    this.#parts.log("warn", `Cannot repair yet: ${message}; the next attempt is in ${ms / MS_PER_SECOND} s`);
    return ms;
  }

  #tryTo(part: DamagedPart): Promise<Attempt> {
    switch (part.type) {
      case "Snapshot":
        return part.isNewest ? this.#replaceSnapshot(part) : this.#dropSnapshot(part);
      case "Segment":
        return this.#removeSegment(part.name);
      case "NodeFile":
        this.#parts.persistence.saveHardState(this.#parts.raft.hardState);
        return Promise.resolve({ type: "Done", how: "term and vote are written anew" });
      case "KeyFile":
        return this.#restoreKeys();
    }
  }

  async #replaceSnapshot({ id }: DamagedPart & { readonly type: "Snapshot" }): Promise<Attempt> {
    const outcome = await this.#parts.snapshots.replace();
    if (outcome.type === "Failed") return outcome;
    if (outcome.type === "NotSound") return WAITS;
    // Where more was applied meanwhile the new one is another file.
    await this.#parts.storage.dropSnapshot(id);
    return { type: "Done", how: `a new snapshot at index ${outcome.id.index} takes its place` };
  }

  async #dropSnapshot({ id }: DamagedPart & { readonly type: "Snapshot" }): Promise<Attempt> {
    await this.#parts.storage.dropSnapshot(id);
    return { type: "Done", how: "it is removed, and the newest snapshot has all of it" };
  }

  /** What the keys are wrapped by may be nothing that this process has: then it was `kvstore rekey` that wrapped them. */
  async #restoreKeys(): Promise<Attempt> {
    try {
      if (!await this.#parts.storage.restoreKeyFile()) return WAITS;
      return { type: "Done", how: "it is written again as it was when it was last sound" };
    } catch (error) {
      // Nothing was changed yet, and no other node has these keys: better tried again than lost with the process.
      const isRefused = error instanceof NoSpaceError || error instanceof AccessError;
      if (isRefused) return { type: "Failed", message: error.message };
      throw error;
    }
  }

  /** A segment goes when a snapshot has all that is in it. What is in memory alone stays there until it is in one. */
  async #removeSegment(name: string): Promise<Attempt> {
    const { storage, snapshots, persistence, applied } = this.#parts;
    if (!storage.leaveSegment(name)) return WAITS;
    persistence.rolled();
    const needed = storage.indexCovering(name);
    if (needed !== undefined && applied.id.index < needed) return WAITS;
    if (needed !== undefined && (snapshots.newest?.index ?? 0) < needed) {
      const outcome = await snapshots.take();
      if (outcome.type === "Failed") return outcome;
    }
    const covered = snapshots.newest?.index ?? 0;
    if (needed !== undefined && covered >= needed) await storage.compact(toIndex(covered));
    if (storage.indexCovering(name) !== undefined) return WAITS;
    return { type: "Done", how: `it is removed, and the snapshot at index ${covered} has all of it` };
  }
}
