/** Messages that a node must not hear although they came unharmed: they count as lost on their way. */

import { fault } from "../../base/faults.ts";
import type { Event } from "../../raft/events.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DiskWatch } from "./disk_watch.ts";
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
}

/** A follower without disk space leaves AppendEntries unanswered, as if lost: the leader repeats it. */
export function hasRoomFor(event: Event, { storage, diskWatch }: RoomParts): boolean {
  if (event.type !== "Receive" || event.message.type !== "AppendEntries") return true;
  const { entries } = event.message;
  if (entries === undefined) return true;
  const hasRoom = !fault("node/spaceRefused") && storage.reserveBody(entries.bytes);
  diskWatch.askedForRoom(entries.bytes, hasRoom);
  return hasRoom;
}
