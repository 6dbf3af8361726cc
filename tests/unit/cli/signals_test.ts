/** How signals are counted. */

import { assertEquals } from "@std/assert";
import { type SignalSource, StopSignals } from "../../../lib/cli/signals.ts";

/** Signals that the test sends at times of its own, and what came of them. */
function stage(source: SignalSource, { onWindows = false } = {}) {
  const listeners = new Map<Deno.Signal, () => void>();
  let nowMs = 0;
  const signals = new StopSignals(source, {
    onWindows,
    listen: (signal, action) => listeners.set(signal, action),
    now: () => nowMs,
  });
  const seen: string[] = [];
  signals.stop.then(() => seen.push("stop"));
  signals.kill.then(() => seen.push("kill"));
  const send = async (signal: Deno.Signal, atMs: number) => {
    nowMs = atMs;
    listeners.get(signal)?.();
    await Promise.resolve();
    await Promise.resolve();
    return [...seen];
  };
  return { send, signals, names: [...listeners.keys()] };
}

Deno.test("one Ctrl-C that arrives several times, as under deno task and npx, asks to stop and does not kill", async () => {
  const { send } = stage("terminal");
  assertEquals(await send("SIGINT", 1_000), ["stop"]);
  assertEquals(await send("SIGINT", 1_002), ["stop"]);
  assertEquals(await send("SIGTERM", 1_250), ["stop"]);
  assertEquals(await send("SIGINT", 1_500), ["stop"]);
});

Deno.test("a second Ctrl-C kills", async () => {
  const { send } = stage("terminal");
  assertEquals(await send("SIGINT", 0), ["stop"]);
  assertEquals(await send("SIGINT", 400), ["stop", "kill"]);
});

Deno.test("a node under the launcher leaves Ctrl-C to it", async () => {
  const { send } = stage("launcher");
  assertEquals(await send("SIGINT", 0), []);
  assertEquals(await send("SIGHUP", 1), []);
  assertEquals(await send("SIGTERM", 2), ["stop"]);
});

Deno.test("each system has its signals", () => {
  assertEquals(stage("terminal").names, ["SIGINT", "SIGTERM", "SIGHUP"]);
  assertEquals(stage("terminal", { onWindows: true }).names, ["SIGINT", "SIGBREAK"]);
});

Deno.test("SIGHUP asks for what it was given, where it was given something, and stops nothing then", async () => {
  for (const source of ["terminal", "launcher"] as const) {
    const { send, signals } = stage(source);
    let asked = 0;
    signals.hangup = () => asked++;
    assertEquals([await send("SIGHUP", 1_000), asked], [[], 1]);
    assertEquals([await send("SIGTERM", 2_000), asked], [["stop"], 1]);
  }
});
