import { assertEquals } from "@std/assert";
import type { NodeProcess, ProcessEnd } from "../../../lib/cluster/node_process.ts";
import { FINAL_EXIT_CODES, Supervisor } from "../../../lib/cluster/supervisor.ts";

/** A supervisor whose processes end when the test says so, on a clock of its own. */
class Stage {
  readonly said: string[] = [];
  readonly signals: string[] = [];
  started = 0;
  finals = 0;
  startError: Error | undefined;
  readonly supervisor: Supervisor;
  #now = 0;
  #end: (end: ProcessEnd) => void = () => {};
  #timer: { at: number; action: () => void } | undefined;

  constructor() {
    this.supervisor = new Supervisor({
      name: "node 1",
      inspectCommand: "./kvstore inspect ./kvstore-data/node-1",
      start: () => this.#start(),
      now: () => this.#now,
      after: (delayMs, action) => {
        this.#timer = { at: this.#now + delayMs, action };
        return () => this.#timer = undefined;
      },
      say: (line) => this.said.push(line),
      onFinal: () => this.finals += 1,
    });
    this.supervisor.start();
  }

  /** The pause before the next start; undefined when none is planned. */
  get pauseMs(): number | undefined {
    return this.#timer === undefined ? undefined : this.#timer.at - this.#now;
  }

  pass(durationMs: number): void {
    this.#now += durationMs;
  }

  async end(code: number, signal?: string): Promise<void> {
    this.#end({ code, signal });
    await Promise.resolve();
    await Promise.resolve();
  }

  fire(): void {
    const timer = this.#timer;
    this.#timer = undefined;
    if (timer === undefined) return;
    this.#now = timer.at;
    timer.action();
  }

  #start(): NodeProcess {
    if (this.startError !== undefined) throw this.startError;
    this.started += 1;
    const ended = new Promise<ProcessEnd>((resolve) => this.#end = resolve);
    return { pid: 100 + this.started, ended, kill: (signal) => this.signals.push(signal), tell: () => {} };
  }
}

Deno.test("a node that is killed is started again, each time later, for ever", async () => {
  const stage = new Stage();
  const pauses: (number | undefined)[] = [];
  for (let crash = 0; crash < 8; crash++) {
    await stage.end(137, "SIGKILL");
    pauses.push(stage.pauseMs);
    assertEquals(stage.supervisor.state, "Waiting");
    stage.fire();
    assertEquals(stage.supervisor.state, "Running");
  }
  assertEquals(pauses, [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  assertEquals(stage.started, 9);
  assertEquals(stage.said.slice(0, 2), [
    "node 1 was ended by SIGKILL; starting it again in 0.2 s",
    "node 1 is started again",
  ]);
});

Deno.test("a node that ran well before it crashed is started again at once", async () => {
  const stage = new Stage();
  for (let crash = 0; crash < 8; crash++) {
    stage.pass(10_000);
    await stage.end(1);
    assertEquals(stage.pauseMs, 200);
    stage.fire();
  }
  assertEquals(stage.supervisor.state, "Running");
});

Deno.test("exit codes that another start cannot mend are final", async () => {
  const cases: [code: number, reason: string][] = [
    [2, "its command line was refused"],
    [74, "its data is damaged; see its last lines, and: ./kvstore inspect ./kvstore-data/node-1"],
    [75, "its disk failed a write; check the disk before starting it again"],
    [76, "it was removed from the cluster"],
    [77, "its data is of another format version; start the program that wrote it, and discard nothing"],
    [78, "its data does not fit into its memory limit; raise --memory-limit, and discard nothing"],
  ];
  assertEquals(cases.map(([code]) => code), FINAL_EXIT_CODES);
  for (const [code, reason] of cases) {
    const stage = new Stage();
    await stage.end(code);
    assertEquals(stage.supervisor.state, "GaveUp");
    assertEquals(stage.supervisor.exitCode, code);
    assertEquals(stage.said, [`node 1 exited with code ${code} and is not started again: ${reason}`]);
    assertEquals([stage.pauseMs, stage.finals, stage.started], [undefined, 1, 1]);
  }
});

Deno.test("a node that fails five times in a row is given up", async () => {
  const stage = new Stage();
  for (let failure = 1; failure < 5; failure++) {
    await stage.end(1);
    stage.fire();
  }
  await stage.end(1);
  assertEquals(stage.supervisor.state, "GaveUp");
  assertEquals(stage.said.at(-1), "node 1 exited with code 1 and is not started again: it failed 5 times in a row");
  assertEquals(stage.started, 5);
});

Deno.test("a node that found nobody to join under had not started, however long it waited for them", async () => {
  const stage = new Stage();
  for (let failure = 1; failure < 5; failure++) {
    stage.pass(60_000);
    await stage.end(5);
    stage.fire();
  }
  stage.pass(60_000);
  await stage.end(5);
  assertEquals(stage.supervisor.state, "GaveUp");
  assertEquals(stage.said.at(-1), "node 1 exited with code 5 and is not started again: it failed 5 times in a row");
});

Deno.test("a node that was asked to stop is not started again", async () => {
  const stage = new Stage();
  await stage.end(0);
  assertEquals([stage.supervisor.state, stage.finals, stage.pauseMs], ["Stopped", 1, undefined]);
});

Deno.test("stopping ends the process, or the wait for the next start", async () => {
  const running = new Stage();
  running.supervisor.stop("SIGTERM");
  assertEquals([running.signals, running.supervisor.state], [["SIGTERM"], "Running"]);
  running.supervisor.stop("SIGKILL");
  await running.end(137, "SIGKILL");
  assertEquals([running.signals, running.supervisor.state], [["SIGTERM", "SIGKILL"], "Stopped"]);
  assertEquals([running.finals, running.pauseMs], [1, undefined]);

  const waiting = new Stage();
  await waiting.end(1);
  waiting.supervisor.stop("SIGTERM");
  assertEquals([waiting.supervisor.state, waiting.finals, waiting.pauseMs], ["Stopped", 1, undefined]);
});

Deno.test("a program that cannot be started again is given up", async () => {
  const stage = new Stage();
  await stage.end(1);
  stage.startError = new Error("no such file");
  stage.fire();
  assertEquals([stage.supervisor.state, stage.finals], ["GaveUp", 1]);
  assertEquals(stage.said.at(-1), "node 1 cannot be started: no such file");
});

Deno.test("killed on request it stays down, and restarted it counts as any other", async () => {
  const stage = new Stage();
  stage.supervisor.kill();
  assertEquals(stage.signals, ["SIGKILL"]);
  await stage.end(137, "SIGKILL");
  assertEquals([stage.supervisor.state, stage.pauseMs, stage.finals], ["Down", undefined, 0]);
  stage.supervisor.restart();
  assertEquals([stage.supervisor.state, stage.started], ["Running", 2]);
  await stage.end(137, "SIGKILL");
  assertEquals([stage.supervisor.state, stage.pauseMs], ["Waiting", 200]);
});

Deno.test("a restart on request ends the wait for the next start", async () => {
  const stage = new Stage();
  await stage.end(1);
  stage.supervisor.restart();
  assertEquals([stage.supervisor.state, stage.started, stage.pauseMs], ["Running", 2, undefined]);
});

Deno.test("a paused process is let go on when it has to end, and one that is down ends at once", async () => {
  const paused = new Stage();
  paused.supervisor.pause(true);
  paused.supervisor.stop("SIGTERM");
  assertEquals(paused.signals, ["SIGSTOP", "SIGTERM", "SIGCONT"]);
  await paused.end(0);
  assertEquals([paused.supervisor.state, paused.supervisor.paused], ["Stopped", false]);

  const down = new Stage();
  down.supervisor.kill();
  await down.end(137, "SIGKILL");
  down.supervisor.stop("SIGTERM");
  assertEquals([down.supervisor.state, down.finals], ["Stopped", 1]);
});

Deno.test("a restart that is asked for again while the process stops does not kill it", async () => {
  const stage = new Stage();
  stage.supervisor.restart();
  stage.supervisor.restart();
  assertEquals(stage.signals, ["SIGTERM"]);
  await stage.end(0);
  assertEquals([stage.started, stage.supervisor.state], [2, "Running"]);
  stage.supervisor.restart();
  assertEquals(stage.signals, ["SIGTERM", "SIGTERM"]);
});
