/** A place where bytes on disk cannot be what was written. */

import { CorruptionError } from "../base/errors.ts";

/** One damage, as `inspect` lists it and as `openStorage` throws it. */
export interface Damage {
  readonly file: string;
  /** In bytes from the start of the file. */
  readonly offset: number;
  readonly what: string;
}

/** The error that refuses to go on after `damage`. */
export function corruption(damage: Damage): CorruptionError {
  return new CorruptionError(damage.file, { offset: damage.offset, what: damage.what });
}
