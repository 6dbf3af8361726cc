/** Flags of how a node uses its disk. */

import { type Compression, COMPRESSIONS } from "../storage/block_codec.ts";
import type { Flag } from "./flags.ts";

/** How snapshots lie there. */
export const DISK_FLAGS = [
  {
    name: "compression",
    kind: "choice",
    commands: ["cluster", "node"],
    placeholder: "HOW",
    default: "zstd",
    choices: COMPRESSIONS,
    help:
      "How snapshots, backups and what is sent to nodes that lag are compressed: zstd where the runtime of every member reads it, " +
      "else deflate; deflate; or off.",
  },
] as const satisfies readonly Flag[];

/** The value of `--compression`, which the parser has checked. */
export function compressionOf(text: string): Compression {
  return COMPRESSIONS.find((known) => known === text) ?? "off";
}
