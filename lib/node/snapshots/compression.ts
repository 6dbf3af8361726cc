/** How a snapshot is to be compressed, so that every member can read it. Pure. */

import type { Configuration, NodeId } from "../../raft/types.ts";
import type { Compression } from "../../storage/block_codec.ts";
import { knowsCompression } from "../membership/level.ts";

/** What it depends on. */
export interface CompressionFacts {
  /** What the operator asked for. */
  readonly wanted: Compression;
  /** The configuration that stands in the snapshot. Its level says whether programs of before may get it (ADR 18). */
  readonly included: Pick<Configuration, "level">;
  /** The latest configuration. */
  readonly inForce: Pick<Configuration, "members">;
  /** Whether a server said so in this life of the node; one that has said nothing may not. */
  readsZstd(id: NodeId): boolean;
}

/** Deflate in the place of zstd where a member may lack it: each can be the next to need the file. */
export function compressionFor({ wanted, included, inForce, readsZstd }: CompressionFacts): Compression {
  if (wanted === "off" || !knowsCompression(included)) return "off";
  return wanted === "zstd" && inForce.members.every(({ id }) => readsZstd(id)) ? "zstd" : "deflate";
}
