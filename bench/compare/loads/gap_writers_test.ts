import { assert, assertEquals } from "@std/assert";
import { ScriptedServer } from "../../../tests/support/resp/scripted_server.ts";
import { waitFor } from "../../../tests/support/wait.ts";
import { GapWriters } from "./gap_writers.ts";

const STALL_MS = 200;

Deno.test("the writers find the gap of a server that stands still, and go on at another when theirs is gone", async () => {
  let stall: Promise<void> | undefined;
  const answer = async () => {
    await stall;
    return "+OK\r\n";
  };
  const first = new ScriptedServer(answer);
  await using second = new ScriptedServer(answer);
  const writers = new GapWriters([first, second].map(({ port }) => `127.0.0.1:${port}`), 4);
  const flow = async (count: number) => {
    const wanted = writers.count + count;
    await waitFor(() => writers.count >= wanted ? true : undefined, { what: "writes flow", timeoutMs: 10_000 });
  };
  try {
    await flow(50);
    const before = performance.now();
    stall = new Promise((resolve) => setTimeout(resolve, STALL_MS));
    await stall;
    await flow(50);
    const gap = writers.longestGap(before, performance.now());
    assert(gap > STALL_MS * 0.9 && gap < STALL_MS * 10, `gap of ${gap} ms`);
    const since = performance.now();
    await first[Symbol.asyncDispose]();
    const waits = await waitFor(() => writers.waits(since).length === 4 ? writers.waits(since) : undefined, {
      what: "every writer writes again",
      timeoutMs: 10_000,
    });
    assertEquals(waits, [...waits].sort((left, right) => left - right));
    assert((waits[0] ?? 0) > 0);
    assertEquals(writers.waits(performance.now()), []);
  } finally {
    await writers.stop();
  }
});
