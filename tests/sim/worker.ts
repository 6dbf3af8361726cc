/** Runs seeds in a thread of its own: one message in, one result out. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { runSeed } from "./run.ts";

self.onmessage = async ({ data }) => {
  const { seed, overrides } = data;
  self.postMessage(await runSeed(seed, { overrides }));
};
