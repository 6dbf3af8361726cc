import { assert, assertEquals } from "@std/assert";
import { ScriptedServer } from "../../../tests/support/resp/scripted_server.ts";
import { waitFor } from "../../../tests/support/wait.ts";
import { GapWriters } from "./gap_writers.ts";

const WRITERS = 4;
const STALL_MS = 10_000;

Deno.test("the writers find the gap of a server that stands still, and go on at another when theirs is gone", async () => {
  let held = 0;
  let stall: PromiseWithResolvers<void> | undefined;
  const answer = async () => {
    if (stall !== undefined) held += 1;
    await stall?.promise;
    return "+OK\r\n";
  };
  const first = new ScriptedServer(answer);
  await using second = new ScriptedServer(answer);
  // Each look at the clock takes a millisecond, and nothing else does: a loaded machine makes no gaps.
  let time = 0;
  const now = () => time += 1;
  const writers = new GapWriters([first, second].map(({ port }) => `127.0.0.1:${port}`), WRITERS, now);
  const flow = async (count: number) => {
    const wanted = writers.count + count;
    await waitFor(() => writers.count >= wanted ? true : undefined, { what: "writes flow" });
  };
  try {
    await flow(50);
    const before = now();
    stall = Promise.withResolvers();
    await waitFor(() => held === WRITERS ? true : undefined, { what: "every writer waits for its answer" });
    time += STALL_MS;
    stall.resolve();
    stall = undefined;
    await flow(50);
    const gap = writers.longestGap(before, now());
    assert(gap >= STALL_MS && gap < STALL_MS * 1.1, `gap of ${gap} ms`);
    const since = now();
    await first[Symbol.asyncDispose]();
    const waits = await waitFor(() => writers.waits(since).length === WRITERS ? writers.waits(since) : undefined, {
      what: "every writer writes again",
    });
    assertEquals(waits, [...waits].sort((left, right) => left - right));
    assert((waits[0] ?? 0) > 0);
    assertEquals(writers.waits(now()), []);
  } finally {
    stall?.resolve();
    await writers.stop();
  }
});
