/** Whether the directories of this run of tests are encrypted. */

import { EncryptedDisk } from "../../lib/storage/encryption/encrypted_disk.ts";
import type { Disk } from "../../lib/storage/disk.ts";
import { OLD, seeded } from "../unit/storage/encryption/support.ts";

let encrypts = false;

/** From now on every start has a master key; for a whole test file, which is a process of its own. */
export function encryptDirectories(): void {
  encrypts = true;
}

/** The disk as the program is given it. What is random about keys is the same at each start: images are told apart by their bytes. */
export function asGiven(disk: Disk): Disk {
  return encrypts ? new EncryptedDisk(disk, { masterKeys: [OLD], random: randomOf(disk) }) : disk;
}

const RANDOM = new WeakMap<Disk, (count: number) => Uint8Array>();

/** Goes on through the lives of one machine. */
function randomOf(disk: Disk): (count: number) => Uint8Array {
  const known = RANDOM.get(disk) ?? seeded(1);
  RANDOM.set(disk, known);
  return known;
}
