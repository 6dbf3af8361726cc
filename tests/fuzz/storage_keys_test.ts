/** Key files and encrypted backups: read as they were written, refused when anything is another, and never an exception of another kind. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { CorruptionError, FormatVersionError, MasterKeyError } from "../../lib/base/errors.ts";
import type { Random } from "../../lib/base/random.ts";
import { encodeChecked } from "../../lib/storage/checked_json.ts";
import { DirectoryKeys } from "../../lib/storage/encryption/directory_keys.ts";
import { encodeKeyFile, readKeyFile, unwrapKeyFile } from "../../lib/storage/encryption/key_file.ts";
import { openBackup, SealedBackup } from "../../lib/storage/encryption/sealed_backup.ts";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { NEW, OLD, seeded } from "../unit/storage/encryption/support.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate, OTHER_JSON } from "./mutators.ts";
import { ReadOnlyFile } from "./read_only_disk.ts";

const random = seeded(1);
const SECRET = DirectoryKeys.generate({ nodeId: 3, clusterName: "shop" }, { plain: ["wal/1.wal"], random });

function anyKeyFile(from: Random): string {
  const whole = bytesToString(encodeKeyFile(SECRET, { master: from.pick([OLD, OLD, NEW]), random }));
  if (from.chance(0.2)) return whole;
  if (from.chance(0.4)) return mutate(whole, from);
  // With a checksum that fits.
  const { checksum: _, ...content } = JSON.parse(whole);
  const field = from.pick(["format", "nodeId", "clusterName", "masterKeyId", "wrapped"]);
  const other = from.pick<unknown>([mutate(String(content[field]), from), from.below(9), null, OTHER_JSON, 2 ** 60]);
  return bytesToString(encodeChecked({ ...content, [field]: other }));
}

fuzz("key files", {
  make: anyKeyFile,
  outcomes: ["read", "CorruptionError", "FormatVersionError", "MasterKeyError"],
  check: (input) => {
    try {
      const found = readKeyFile(stringToBytes(input), "keys");
      const { keys } = unwrapKeyFile(found, { file: "keys", masters: [OLD], random });
      requireSame(
        [keys.owner, keys.plain, [...keys.reveal()]],
        [SECRET.owner, SECRET.plain, [...SECRET.reveal()]],
        "keys",
      );
      return "read";
    } catch (error) {
      return kindOf(error);
    }
  },
});

interface Stored {
  readonly plain: string;
  readonly bytes: string;
}

function anyBackup(from: Random): Stored {
  const disk = new MemoryDisk();
  const backup = new SealedBackup(disk.open("/backup", "create"), {
    masterKeys: [from.chance(0.9) ? OLD : NEW],
    random,
  });
  const plain = `p${anyBytes(from, 200)}`;
  backup.writeAt(0, stringToBytes(plain));
  const bytes = bytesToString(disk.contents("/backup") ?? new Uint8Array());
  if (from.chance(0.02)) return { plain, bytes: `${bytes.slice(0, 8)}\x07${bytes.slice(9)}` };
  return { plain, bytes: from.chance(0.2) ? bytes : mutate(bytes, from) };
}

fuzz("encrypted backups", {
  make: anyBackup,
  outcomes: ["read", "not encrypted", "CorruptionError", "FormatVersionError", "MasterKeyError"],
  check: ({ plain, bytes }) => {
    try {
      const input = openBackup(new ReadOnlyFile("backup", bytes), [OLD]);
      const target = new Uint8Array(bytes.length + 100);
      const text = bytesToString(target.subarray(0, input.readAt(0, target)));
      if (text === bytes) return "not encrypted";
      // A file that ends between two blocks is found out by what is in it: a snapshot has a footer.
      require(text === plain || text === "", "It is read as something that was not written");
      return "read";
    } catch (error) {
      return kindOf(error);
    }
  },
});

function kindOf(error: unknown): string {
  if (error instanceof CorruptionError || error instanceof FormatVersionError || error instanceof MasterKeyError) {
    return error.name;
  }
  throw error;
}
