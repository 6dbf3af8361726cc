/** Whether this node's state is not sound: then it serves nothing, votes for nobody and leads nothing, until a snapshot of the others has replaced it. */

import type { Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import { isPassing, type QuarantineFile } from "../../storage/quarantine_file.ts";
import type { Inbox } from "../inbox.ts";
import type { Lifetime } from "../lifetime.ts";
import type { NodeLog } from "../options.ts";
import type { Difference } from "./comparison.ts";

/** What was found, for people and for the file that is kept. */
export interface Finding {
  /** One sentence, without its full stop. */
  readonly what: string;
  /** Last entry that the state holds. */
  readonly lastApplied: number;
  readonly digest: string;
  /** What a majority has, where that was compared. */
  readonly compared?: Difference;
}

/** Whom it tells. */
export interface QuarantineParts {
  readonly file: QuarantineFile;
  readonly inbox: Pick<Inbox, "put">;
  readonly lifetime: Pick<Lifetime, "fail">;
  readonly metrics: Registry;
  readonly log: NodeLog;
  readonly wallClockMs: () => number;
}

/** Owns the answer, which outlives the process: what a directory holds may have been written by the state that was not sound. */
export class Quarantine {
  readonly #parts: QuarantineParts;
  /** Whether it lasts; written here alone. A field, so that nothing is called on the way of a write. */
  isOn: boolean;
  /**
   * Whether nothing may be answered from the state: in quarantine, and from the moment at which it is known not to be sound where the others
   * can do without it. A field for the same reason; written here alone.
   */
  isFenced: boolean;
  #saving: Promise<void> = Promise.resolve();

  /** As the directory says. */
  constructor(parts: QuarantineParts) {
    this.#parts = parts;
    this.isOn = parts.file.isOpen;
    this.isFenced = this.isOn;
    parts.metrics.gauge(METRIC.quarantined, () => Number(this.isOn));
    if (!this.isOn) return;
    parts.log(
      "warn",
      "In quarantine since before this start: waits for a snapshot of the leader in place of its state",
    );
    parts.inbox.put({ type: "Quarantine", isOn: true });
  }

  /** Says whether anything may be answered from a state that is not in quarantine; `begin` and `replaced` say it of themselves. */
  fence(isFenced: boolean): void {
    if (this.isOn || this.isFenced === isFenced) return;
    this.isFenced = isFenced;
    this.#parts.log(
      "warn",
      isFenced
        ? "Answers nothing from its state any more, which is not sound: others can do without this node"
        : "Answers again, though its state is not sound: too few others can do without this node",
    );
  }

  /** Begins it. */
  begin(found: Finding): void {
    if (this.isOn) return;
    this.isOn = true;
    this.isFenced = true;
    const { file, inbox, log, wallClockMs } = this.#parts;
    inbox.put({ type: "Quarantine", isOn: true });
    log(
      "error",
      `In quarantine: ${found.what}. It serves and votes no more until a snapshot of the others has replaced its state`,
    );
    this.#save(() => file.open({ ...found, date: new Date(wallClockMs()).toISOString() }));
  }

  /** The state was replaced by a snapshot of the leader, which is durable. */
  replaced(index: number): void {
    // Also where a snapshot came for one that lagged, before the quarantine began.
    this.isFenced = false;
    if (!this.isOn) return;
    this.isOn = false;
    const { file, inbox, log } = this.#parts;
    inbox.put({ type: "Quarantine", isOn: false });
    log("info", `The quarantine is over: the leader's snapshot at index ${index} has replaced the state`);
    this.#save(() => file.close(index));
  }

  /** Resolves when the directory says what is so, or cannot. */
  get saved(): Promise<void> {
    return this.#saving;
  }

  #save(write: () => Promise<void>): void {
    const { log, lifetime } = this.#parts;
    this.#saving = this.#saving.then(write).catch((error: unknown) => {
      if (!isPassing(error)) return lifetime.fail(error);
      log("warn", `Cannot keep in the directory whether this node is in quarantine: ${error.message}`);
    });
  }
}
