/** Servers with many keys, which several rows share. */

import type { PipeFile } from "../loads/redis_pipe.ts";
import type { CompareOptions } from "../options.ts";
import type { RowResult } from "../row.ts";
import type { Subject } from "../servers/subject.ts";

/** One key through `redis-cli --pipe` may take so long. */
const FILL_MS_PER_KEY = 0.2;
const FILL_MS_MIN = 60_000;

/** How many keys, and what follows from it. */
export interface Scale {
  /** Behind the ids of its rows. */
  readonly suffix: string;
  readonly label: string;
  readonly isLong: boolean;
  keys(options: CompareOptions): number;
}

/** The servers with all their keys. */
export interface Filled {
  readonly scale: Scale;
  readonly subject: Subject;
  readonly redis: Subject;
  readonly file: PipeFile;
  /** Seconds that it took to fill each of them. */
  readonly fillSeconds: { readonly subject: number; readonly redis: number };
}

/** A measurement on filled servers. */
export type Measure = (options: CompareOptions, filled: Filled) => Promise<readonly RowResult[]>;

/** How long a file may take. */
export function pipeTimeoutMs({ keys }: PipeFile): number {
  return Math.max(FILL_MS_MIN, keys * FILL_MS_PER_KEY);
}
