/** A key as the model has it. */

/** What stands under a key. Times in ms since 1970. */
export interface ModelRecord {
  readonly value: string;
  readonly createRevision: number;
  readonly revision: number;
  readonly version: number;
  /** Undefined for never. */
  readonly expiresAt: number | undefined;
}

/** The keys at one moment, and the cluster's time then. */
export interface ModelState {
  get(key: string): ModelRecord | undefined;
  /** Every key that is there, in byte order. */
  names(): readonly string[];
  /** Number of keys, those included that only a read takes for expired: no entry has removed them yet. */
  readonly size: number;
  readonly timeMs: number;
}
