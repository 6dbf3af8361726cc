/** Messages that a node must not hear although they came unharmed: they count as lost on their way. */

import type { Clock } from "../../base/clock.ts";
import { fault } from "../../base/faults.ts";
import type { Event } from "../../raft/events.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DiskWatch } from "./disk_watch.ts";
import type { MemoryBudget } from "../memory/memory_budget.ts";
import type { PeerDirectory } from "../membership/peer_directory.ts";

/** Known bug B22: a promise counts only from the directory that this server's configuration names. */
export function isHeard(event: Event, directory: Pick<PeerDirectory, "isStranger">): boolean {
  if (event.type !== "Receive") return true;
  const { type, from } = event.message;
  const isPromise = type === "AppendEntriesResult" || type === "RequestVoteResult" || type === "InstallSnapshotResult";
  return !isPromise || !directory.isStranger(from);
}

/** What decides about room, and who is told of it. */
interface RoomParts {
  readonly storage: Storage;
  readonly diskWatch: DiskWatch;
  readonly memory: Pick<MemoryBudget, "takes" | "mayReceive">;
  readonly clock: Pick<Clock, "now">;
}

/** A follower without disk space or memory leaves AppendEntries unanswered, as if lost: the leader repeats it. */
export function hasRoomFor(event: Event, { storage, diskWatch, memory, clock }: RoomParts): boolean {
  if (event.type !== "Receive") return true;
  if (event.message.type === "InstallSnapshot") return memory.mayReceive(clock.now());
  if (event.message.type !== "AppendEntries") return true;
  const { entries } = event.message;
  if (entries === undefined) return true;
  if (!memory.takes(entries.bytes)) return false;
  const hasRoom = !fault("node/spaceRefused") && storage.reserveBody(entries.bytes);
  diskWatch.askedForRoom(entries.bytes, hasRoom);
  return hasRoom;
}
