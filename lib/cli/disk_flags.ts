/** Flags of how a node uses its disk. */

import { type Compression, COMPRESSIONS } from "../storage/block_codec.ts";
import type { Flag } from "./flags.ts";

/** How snapshots lie there, and how what lies there is looked after. */
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
  {
    name: "scrub-bytes-per-second",
    kind: "size",
    commands: ["cluster", "node"],
    placeholder: "SIZE",
    default: "1MiB",
    min: 0,
    max: 1_073_741_824,
    help:
      "Read so much of log and snapshots once more each second, to find what has rotted while it can be repaired; 0 for never.",
  },
] as const satisfies readonly Flag[];

/** The value of `--compression`, which the parser has checked. */
export function compressionOf(text: string): Compression {
  return COMPRESSIONS.find((known) => known === text) ?? "off";
}
