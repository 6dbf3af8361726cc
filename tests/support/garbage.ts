/** What is still held in memory, judged when everything else is collected. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Need } from "./needs.ts";

setFlagsFromString("--expose-gc");

/** A runtime whose collector a test can call: setting the flag does nothing in older ones. */
export const COLLECTOR: Need = {
  what: "a newer Deno",
  install: `its collector cannot be called by a test, and this is ${Deno.version.deno}`,
  isThere: () => runInNewContext("typeof gc") === "function",
  ofRuntime: true,
};

/** Bytes of the heap that are in use after `act`, more than before; done once before, for what is made once. Needs `COLLECTOR`. */
export async function keptBy(act: () => Promise<void>): Promise<number> {
  const collect: () => void = runInNewContext("gc");
  await act();
  collect();
  const before = Deno.memoryUsage().heapUsed;
  await act();
  collect();
  return Deno.memoryUsage().heapUsed - before;
}
