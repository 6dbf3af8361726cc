/** An operation that a simulated client has asked for, and how it may end. */

import type { Operation } from "../linearizability/history.ts";
import type { SimServer } from "./server.ts";

/** An operation under way. */
export interface Pending {
  readonly client: number;
  readonly operation: string;
  readonly key: string;
  readonly argument: string | null;
  readonly call: number;
  /** The highest index that was known to any client when this began. */
  readonly known: number;
  /** The latest deadline that any read had taken for passed when this began. */
  readonly hiddenMs: number;
  readonly server: SimServer;
  readonly life: object;
  /** Nobody waits for it. */
  readonly isPatrol: boolean;
  finished: boolean;
  /** Told when it is lost with its process. */
  lost?: () => void;
}

/** How an operation ended. `as` is for one that turned out to be another. */
export interface Completion {
  readonly result: Operation["result"];
  readonly index: number | null;
  readonly as?: Pick<Pending, "operation" | "argument">;
}

/** An operation in words. */
export function describe({ operation, key, argument }: Pending): string {
  return `${operation} ${JSON.stringify(key)}${argument === null ? "" : ` ${JSON.stringify(argument.slice(0, 20))}`}`;
}
