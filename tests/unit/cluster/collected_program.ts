/** Fills its heap, lets go of it, and says how much of it and of the memory is left before and after it is collected; for the test beside it. */

import { collectedProcess } from "../../../lib/cluster/idle_collector.ts";

const OBJECTS = 1_000_000;

function fill(): number {
  return Array.from({ length: OBJECTS }, (_, at) => ({ at })).length;
}

const collected = collectedProcess();
fill();
const before = Deno.memoryUsage();
collected?.collect();
const after = Deno.memoryUsage();
const isBusy = (collected?.processorMs() ?? 0) > 0;
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ before, after, isBusy })));
