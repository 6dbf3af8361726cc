/** Planted bugs of compressed snapshots: who gets them, what they expand to, and what is believed of them. */

import type { Mutation } from "./mutation.ts";

const CODEC = "lib/storage/block_codec.ts";
const FORMAT = "lib/storage/snapshot_format.ts";

/** In the order of their numbers. */
export const COMPRESSION_SLIPS: readonly Mutation[] = [
  {
    id: "M980",
    what: "A compressed block expands to whatever it holds, not to what it says",
    patches: [
      { file: CODEC, find: "inflateRawSync(content, { maxOutputLength: length,", replace: "inflateRawSync(content, {" },
      {
        file: CODEC,
        find: "return block?.length === length ? block :",
        replace: "return block !== undefined ? block :",
      },
    ],
  },
  {
    id: "M981",
    what: "Snapshots are compressed below the level at which every member reads that",
    patches: [{
      file: "lib/node/snapshots/compression.ts",
      find: 'if (wanted === "off" || !knowsCompression(included)) return "off";',
      replace: 'if (wanted === "off" && !knowsCompression(included)) return "off";',
    }],
  },
  {
    id: "M982",
    what: "A member whose runtime has no zstd is sent files with it",
    patches: [{
      file: "lib/node/snapshots/snapshot_sender.ts",
      find: 'return this.#parts.canRead(peer, source) ? undefined : "unreadable";',
      replace: 'return this.#parts.canRead(peer, source) || true ? undefined : "unreadable";',
    }],
  },
  {
    id: "M983",
    what: "Whether a snapshot fits into memory is judged by what came, not by what it holds",
    patches: [{
      file: "lib/node/snapshots/snapshots.ts",
      find: 'receiver.finish(({ plainBytes }) => memory.checkFits("the leader\'s snapshot", plainBytes))',
      replace: 'receiver.finish(({ bytes }) => memory.checkFits("the leader\'s snapshot", bytes))',
    }],
  },
  {
    id: "M984",
    what: "A file of a version that has no compression is decompressed if its head says so",
    patches: [{
      file: FORMAT,
      find: '(head.compression === "off") !== (version < SNAPSHOT_VERSION)',
      replace: "version > SNAPSHOT_VERSION",
    }],
  },
];
