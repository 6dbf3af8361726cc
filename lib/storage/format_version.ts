/**
 * Tells a file of another format version from a damaged one.
 *
 * Every version of a format keeps three things: the magic, the place of the version, and a checksum over both. So a version
 * whose checksum holds is believed, whatever it is. Without the checksum two mistakes are possible, and they do not weigh
 * the same: the remedy for damage is to discard the file, the one for another version is the program that wrote it. Hence a
 * version that somebody may have written is taken for one, since a later program may have another layout after all. Damage
 * is what no program has written (0, or beyond `VERSION_MAX`), and what is one flipped bit away from the known version, as
 * a disk damages data. Both are refused, so no version is ever read as another.
 *
 * This is for the heads of files that get their name only once they are durable. Records and the mark, which a crash may
 * leave half written, are of another version only when their checksum holds.
 */

/** More versions than a format will have in its life; random bytes are above it nearly always. */
const VERSION_MAX = 100;

/** A version as read, and whether the checksum holds. */
export interface ReadVersion {
  readonly version: number;
  readonly known: number;
  readonly sealed: boolean;
}

/** Whether the head is of another version. False for the known one, and for damage. */
export function isOtherVersion({ version, known, sealed }: ReadVersion): boolean {
  if (version === known) return false;
  return sealed || (isPlausible(version) && !differInOneBit(version, known));
}

function isPlausible(version: number): boolean {
  return Number.isInteger(version) && version > 0 && version <= VERSION_MAX;
}

function differInOneBit(left: number, right: number): boolean {
  const difference = left ^ right;
  return (difference & (difference - 1)) === 0;
}
