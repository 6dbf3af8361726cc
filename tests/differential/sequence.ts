/** What is sent to both servers: the steps of one sequence. */

import type { Command } from "../support/resp/connection.ts";

/** One command of one client. `isScan` stands for a whole loop: `command` without a cursor, until the cursor is 0. */
export interface Step {
  readonly client: number;
  readonly command: Command;
  readonly isScan: boolean;
}

/** A random sequence, made by `makeSequence` from a seed and a number. */
export interface Sequence {
  readonly seed: number;
  readonly number: number;
  /** Works on the whole keyspace, so nothing else may run beside it. Others keep to keys with a prefix of their own. */
  readonly isExclusive: boolean;
  /** Sends what one client does without a break in one go. */
  readonly isPipelined: boolean;
  /** The protocol of each client, 2 or 3. */
  readonly protocols: readonly number[];
  /** Every key that the steps may name. */
  readonly keys: readonly string[];
  readonly steps: readonly Step[];
}

/** A step of a plain command. */
export function plain(client: number, ...command: string[]): Step {
  return { client, command, isScan: false };
}

/** What precedes the steps: fresh clients, and an empty keyspace where the sequence has it for itself. */
export function openingSteps({ protocols, isExclusive }: Sequence, isAlone: boolean): readonly Step[] {
  const clients = protocols.flatMap((protocol, client) => [
    plain(client, "RESET"),
    ...(protocol === 3 ? [plain(client, "HELLO", "3")] : []),
  ]);
  return isExclusive || isAlone ? [...clients, plain(0, "FLUSHALL")] : clients;
}

/** What follows the steps: all that is left is compared, then removed. */
export function closingSteps({ keys, isExclusive }: Sequence): readonly Step[] {
  return [
    plain(0, "RESET"),
    plain(0, "MGET", ...keys),
    ...keys.map((key) => plain(0, "PTTL", key)),
    ...(isExclusive ? [plain(0, "KEYS", "*")] : []),
    plain(0, "DEL", ...keys),
  ];
}
