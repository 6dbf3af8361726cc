/** Waits for a server that starts, by asking it. */

import { Connection } from "../../tests/support/resp/connection.ts";
import { describeReply } from "../../tests/support/resp/reply.ts";
import { delay } from "../../tests/support/wait.ts";

const PAUSE_MS = 2;

/** Asks again and again until the answer is no error. Resolves to the milliseconds that took since `since`. */
export async function untilAnswered(
  address: string,
  { words, since, timeoutMs }: { words: readonly string[]; since: number; timeoutMs: number },
): Promise<number> {
  let last = "";
  while (performance.now() - since < timeoutMs) {
    try {
      using connection = await Connection.open(address);
      const reply = await connection.ask(words, timeoutMs);
      if (reply.type !== "Error" && reply.type !== "Broken") return performance.now() - since;
      last = describeReply(reply);
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await delay(PAUSE_MS);
  }
  throw new Error(`${address} did not answer ${words[0]} within ${timeoutMs} ms: ${last}`);
}
