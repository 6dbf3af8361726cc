/** One of the tables that lead from the hash of a key to its record. Many small ones, so that growing one is short. */

/** One empty slot, which all shards without keys share. */
const EMPTY = new Uint32Array(2);
const SLOTS_MIN = 8;
/** A table of more slots than this is halved when only one in so many is taken. */
const SPARSE_SLOTS_MIN = 64;
const SPARSE_PARTS = 8;
/** How full a table is when it doubles: from the least to the most, spread over the shards, which grow equally fast. */
const LOAD_MIN = 0.55;
const LOAD_SPREAD = 0.3;
/** The golden ratio's fraction: multiples of it lie evenly in [0, 1) however many there are. */
const GOLDEN = 0.618_033_988_749_895;

/** Bytes of a slot. */
export const SLOT_BYTES = 8;

/**
 * Open addressing with linear probing: pairs of a hash and a place, which is 0 in an empty slot. A removal moves later ones back, so
 * that there are no graves.
 */
export class Shard {
  /** Pairs: slot `n` has its hash at `2n` and its place at `2n + 1`. */
  table: Uint32Array = EMPTY;
  /** Number of slots less one. */
  mask = 0;
  /** Slots taken. */
  used = 0;
  /** Slots that may be taken before it grows. */
  #limit = 0;
  readonly #load: number;

  constructor(number: number) {
    this.#load = LOAD_MIN + LOAD_SPREAD * ((number * GOLDEN) % 1);
  }

  /** Adds a record of a key that is not there. */
  add(hash: number, place: number): void {
    if (this.used >= this.#limit) this.#resize(Math.max(SLOTS_MIN, 2 * (this.mask + 1)));
    this.#set(hash, place);
    this.used += 1;
  }

  /** The place of the first record whose key has a hash; 0 when there is none. */
  find(hash: number): number {
    const { table, mask } = this;
    let slot = hash & mask;
    while (table[2 * slot + 1] !== 0 && table[2 * slot] !== hash) slot = (slot + 1) & mask;
    return table[2 * slot + 1] ?? 0;
  }

  /** The slot of the record at `place`, which is there. */
  slotOf(hash: number, place: number): number {
    const { table, mask } = this;
    let slot = hash & mask;
    while (table[2 * slot + 1] !== place) slot = (slot + 1) & mask;
    return slot;
  }

  /** Whether who looks for a hash comes by a slot. */
  leadsTo(hash: number, slot: number): boolean {
    const { table, mask } = this;
    let at = hash & mask;
    while (at !== slot && table[2 * at + 1] !== 0) at = (at + 1) & mask;
    return at === slot;
  }

  /** Lets a slot lead to another place. */
  move(slot: number, place: number): void {
    this.table[2 * slot + 1] = place;
  }

  /** Empties a slot. */
  remove(slot: number): void {
    const { table, mask } = this;
    let hole = slot;
    for (let next = (hole + 1) & mask; table[2 * next + 1] !== 0; next = (next + 1) & mask) {
      // A record may stand anywhere from its own slot on: it moves if the hole lies in between.
      const own = (table[2 * next] ?? 0) & mask;
      if (((next - own) & mask) < ((next - hole) & mask)) continue;
      table[2 * hole] = table[2 * next] ?? 0;
      table[2 * hole + 1] = table[2 * next + 1] ?? 0;
      hole = next;
    }
    table[2 * hole + 1] = 0;
    this.used -= 1;
    if (SPARSE_PARTS * this.used < mask && mask > SPARSE_SLOTS_MIN) this.#resize((mask + 1) / 2);
  }

  /** Bytes of the table. */
  get capacity(): number {
    return this.#limit === 0 ? 0 : (this.mask + 1) * SLOT_BYTES;
  }

  /** Empties it. */
  clear(): void {
    this.table = EMPTY;
    this.mask = 0;
    this.used = 0;
    this.#limit = 0;
  }

  /** Slots passed on the way to the record that takes longest to find. */
  get longestProbe(): number {
    let longest = 0;
    for (let slot = 0; slot <= this.mask; slot++) {
      if (this.table[2 * slot + 1] === 0) continue;
      longest = Math.max(longest, (slot - (this.table[2 * slot] ?? 0)) & this.mask);
    }
    return longest;
  }

  #resize(slots: number): void {
    const old = this.table;
    this.table = new Uint32Array(2 * slots);
    this.mask = slots - 1;
    this.#limit = this.#load * slots;
    for (let at = 0; at < old.length; at += 2) {
      const place = old[at + 1] ?? 0;
      if (place !== 0) this.#set(old[at] ?? 0, place);
    }
  }

  #set(hash: number, place: number): void {
    const { table, mask } = this;
    let slot = hash & mask;
    while (table[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
    table[2 * slot] = hash;
    table[2 * slot + 1] = place;
  }
}
