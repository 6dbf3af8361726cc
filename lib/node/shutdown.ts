/** The end of a node's life in order: leadership first, then open requests, then connections and files. */

import { RemovedError } from "../base/errors.ts";
import { until } from "./membership/leadership.ts";
import { CLOSE_MS, DRAIN_MS, HANDOVER_MS, REMOVED_MS } from "./limits.ts";
import type { Parts } from "./parts.ts";

/** Hands leadership over and lets open requests finish, refusing new writes. At most `HANDOVER_MS + DRAIN_MS`. */
export async function drain(
  { clock, raft, lifetime, inbox, changes, proposals, driver }: Parts,
): Promise<void> {
  lifetime.stop();
  changes.end();
  if (raft.role === "Leader" && raft.configuration.voters.length > 1) {
    inbox.put({ type: "TransferLeadership", target: undefined });
    await until(clock, { condition: () => raft.role !== "Leader", limitMs: HANDOVER_MS });
  }
  proposals.close();
  await until(clock, { condition: () => driver.drained, limitMs: DRAIN_MS });
}

/** Ends the node once it was removed; the directory says so where it is of that cluster. Never rejects. */
export async function endWhenRemoved({ directory, storage, lifetime, options, clock }: Parts): Promise<void> {
  const { isOwn } = await directory.removal;
  if (lifetime.isOver) return;
  try {
    if (isOwn) await storage.markRemoved();
    // Somebody may have asked this very node for its removal, and shall hear of it.
    await until(clock, { condition: () => lifetime.isOver, limitMs: REMOVED_MS });
    lifetime.fail(new RemovedError(options.nodeId, { directory: storage.directory, isOwn }));
  } catch (error) {
    lifetime.fail(error);
  }
}

/** Drains, ends what is still open, and closes everything. */
export async function shutDown(parts: Parts): Promise<void> {
  const { ticker, driver, transport } = parts;
  await drain(parts);
  ticker.stop();
  driver.end();
  await transport.stop();
  await closeFiles(parts);
}

/** A disk that hangs holds up the end of the node no longer than a moment: what is durable does not depend on it. */
async function closeFiles({ clock, log, snapshots, quarantine, scrubber, storage }: Parts): Promise<void> {
  const late = Promise.withResolvers<"late">();
  const timer = clock.after(CLOSE_MS, () => late.resolve("late"));
  try {
    const closing = Promise.all([scrubber.close(), snapshots.close()]).then(() => quarantine.saved).then(() =>
      storage.close()
    );
    if (await Promise.race([closing, late.promise]) !== "late") return;
    log("warn", `Stopped without waiting longer for the disk under ${storage.directory}`);
  } finally {
    timer.cancel();
  }
}
