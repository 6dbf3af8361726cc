import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ROLLING_RESTART_MS_MAX } from "../../../lib/cluster/launcher_control.ts";
import { type ControlWish, readOrder, writeRequest } from "../../../lib/cluster/control_lines.ts";
import { until } from "../../support/wait.ts";
import { readyStage, Stage } from "./launcher_stage.ts";

Deno.test("the table comes when all nodes know the leader, and a signal stops all nodes", async () => {
  const stage = new Stage(3);
  stage.onTransfer = () => {};
  stage.elect(1, 3);
  await stage.ready();
  assertEquals(stage.printed[0]?.split("\n").slice(1, 17), [
    "KVStore is ready: 3 nodes, node 1 is the leader.",
    "",
    "Node  Role      Clients         HTTP            Peers            Data directory",
    "0     Follower  127.0.0.1:5000  127.0.0.1:8000  127.0.0.1:15000  ./kvstore-data/node-0",
    "1     Leader    127.0.0.1:5001  127.0.0.1:8001  127.0.0.1:15001  ./kvstore-data/node-1",
    "2     Follower  127.0.0.1:5002  127.0.0.1:8002  127.0.0.1:15002  ./kvstore-data/node-2",
    "",
    "Try:",
    "  printf 'PUT hello world\\nGET hello\\nEXIT\\n' | nc localhost 5001",
    "  redis-cli -h localhost -p 5000 GET hello",
    "  curl -X PUT --data-binary world http://127.0.0.1:8001/v1/kv/hello",
    "",
    "Dashboard: http://127.0.0.1:8001/",
    "Shell:     ./kvstore cli",
    "",
    "Ctrl-C stops all nodes.",
  ]);
  stage.stop();
  assertEquals(await stage.exit, 0);
  assertEquals(stage.plans.length, 3);
});

Deno.test("where another node won, leadership is transferred to node 0 once before the cluster is called ready", async () => {
  const stage = new Stage(3);
  stage.elect(2, 3);
  await stage.ready();
  assertEquals(stage.transfers, ["2 to 0"]);
  assertStringIncludes(stage.printed[0] ?? "", "node 0 is the leader.");
  assertStringIncludes(stage.printed[0] ?? "", "| nc localhost 5000\n");
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("a leader that does not hand over is shown as it is, with the lines that reach it", async () => {
  const stage = new Stage(3);
  stage.onTransfer = () => {};
  stage.elect(1, 3);
  await stage.ready();
  assertStringIncludes(stage.printed[0] ?? "", "node 1 is the leader.");
  assertStringIncludes(stage.printed[0] ?? "", "| nc localhost 5001\n");
  assertEquals(stage.said, ["Node 0 has not become the leader within 10 s: the cluster is ready as it is"]);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("nodes that know no leader yet are waited for, and people are told after 10 s", async () => {
  const stage = new Stage(3);
  stage.elect(0, 2);
  await until(() => stage.said.some((line) => line.startsWith("Still")), "people are told");
  assertEquals(stage.said, ["Still waiting for node 2 (silent) of 3 nodes"]);
  assertEquals(stage.printed, []);
  stage.elect(0, 3);
  await stage.ready();
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("a node's lines carry its name, and a crashed node is started again", async () => {
  const stage = new Stage(3);
  stage.elect(0, 3);
  await stage.ready();
  stage.plans[2]?.onLine("hello", "stderr");
  stage.end(2, 137, "SIGKILL");
  await until(() => stage.plans.length === 4, "the node is started again");
  assertEquals(stage.said, [
    "[node 2] hello",
    "node 2 was ended by SIGKILL; starting it again in 0.2 s",
    "node 2 is started again",
  ]);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("a damaged node is left out, and without a majority the rest is stopped with its exit code", async () => {
  const stage = new Stage(3);
  stage.end(0, 74);
  stage.elect(1, 3);
  await stage.ready();
  assertStringIncludes(stage.printed[0] ?? "", "0     not running");
  stage.end(2, 75);
  assertEquals(await stage.exit, 74);
  assertStringIncludes(stage.said.join("\n"), "Too few nodes are left to form a majority");
});

Deno.test("a second signal kills nodes that do not stop", async () => {
  const stage = new Stage(3);
  stage.elect(0, 3);
  await stage.ready();
  stage.onTerm = () => {};
  stage.stop();
  stage.kill();
  assertEquals(await stage.exit, 130);
});

Deno.test("nodes that do not stop within 6 s are killed", async () => {
  const stage = new Stage(3);
  stage.elect(0, 3);
  await stage.ready();
  stage.onTerm = (id) => id === 1 ? undefined : stage.end(id, 0);
  stage.stop();
  assertEquals(await stage.exit, 0);
  assertEquals(stage.said.at(-1), "Killing 1 node, not stopped within 6 s");
});

Deno.test("a node killed on request stays down until it is restarted", async () => {
  const { stage, ask } = await readyStage();
  assertEquals(ask(1, 0, "kill"), "Running,Running,Running");
  assertEquals(stage.said.at(-1), "Asked through node 1 to kill node 0");
  await until(() => ask(1, 0, "pause") === "node 0 does not run", "node 0 does not run");
  assertEquals(ask(1, 0, "kill"), "node 0 does not run");
  assertEquals(stage.said.at(-1), "node 0 was killed and stays down until it is restarted");
  assertEquals(stage.plans.length, 3);
  assertEquals(ask(1, 0, "restart"), "Running,Running,Running");
  assertEquals(stage.plans.length, 4);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("the node whose page asks gets its answer before it ends, and the last one is not ended", async () => {
  const { stage, ask } = await readyStage();
  assertEquals(ask(1, 1, "kill"), "Running,Running,Running");
  await until(() => ask(0, 1, "kill") === "node 1 does not run", "node 1 does not run");
  ask(0, 2, "kill");
  await until(() => ask(0, 2, "kill") === "node 2 does not run", "node 2 does not run");
  assertEquals(ask(0, 0, "kill"), "node 0 is the last one that runs: nobody could bring it back");
  assertEquals(ask(0, 0, "pause"), "node 0 is the last one that runs: nobody could bring it back");
  assertEquals(ask(0, 9, "kill"), "there is no node 9");
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("restart of a running node stops it in order first", async () => {
  const { stage, ask } = await readyStage();
  ask(1, 0, "restart");
  await until(() => stage.plans.length === 4, "the node is started again");
  assertEquals(stage.said, ["Asked through node 1 to restart node 0", "node 0 is started again"]);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("pause, continue, partition and heal reach the node, and only where they make sense", async () => {
  const { stage, ask } = await readyStage();
  assertEquals(ask(1, 0, "pause"), "Paused,Running,Running");
  assertEquals(ask(1, 0, "pause"), "node 0 does not run");
  assertEquals(ask(1, 0, "continue"), "Running,Running,Running");
  assertEquals(ask(1, 0, "continue"), "node 0 is not paused");
  assertEquals(stage.told.filter((line) => line.includes("SIG")), ["0 SIGSTOP", "0 SIGCONT"]);
  assertEquals(ask(1, 0, "heal"), "node 0 is not partitioned");
  assertEquals(ask(1, 0, "partition"), "Running alone,Running,Running");
  assertEquals(ask(1, 0, "partition"), "node 0 is partitioned already");
  assertEquals(ask(1, 0, "heal"), "Running,Running,Running");
  assertEquals(stage.told.filter((line) => line.includes("Isolate")), [
    '0 {"type":"Isolate","isolated":true}',
    '0 {"type":"Isolate","isolated":false}',
  ]);
  ask(1, 0, "partition");
  assertEquals(ask(1, 0, "restart"), "Running alone,Running,Running");
  await until(() => stage.plans.length === 4, "the node is started again");
  assertEquals(ask(1, 0, "pause"), "Paused,Running,Running");
  stage.stop();
  assertEquals(await stage.exit, 0);
  // A paused node is let go on, or it could not stop.
  assertEquals(stage.told.at(-1), "0 SIGCONT");
});

Deno.test("a rolling restart notes which processes run; each that is new counts, however it came, and begun again it goes on", async () => {
  const { stage } = await readyStage();
  const pending = (wish?: ControlWish) => {
    stage.plans[1]?.onLine(writeRequest({ number: 8, wish }).trimEnd(), "stdout");
    const order = readOrder(stage.told.at(-1)?.slice(2) ?? "");
    assert(order?.type === "Answer" && order.answer.type === "Nodes");
    return order.answer.nodes.filter(({ restartPending }) => restartPending).map(({ id }) => id);
  };
  assertEquals(pending(), []);
  assertEquals(pending("RollingRestart"), [0, 1, 2]);
  assertEquals(stage.said.at(-1), "Asked through node 1 for a rolling restart");
  pending({ node: 2, action: "restart" });
  await until(() => stage.plans.length === 4, "the node is started again");
  assertEquals(pending("RollingRestart"), [0, 1]);
  stage.end(0, 1);
  await until(() => stage.plans.length === 5, "the node that crashed is started again");
  assertEquals(pending("RollingRestart"), [1]);
  pending({ node: 1, action: "restart" });
  await until(() => stage.plans.length === 6, "the last node is started again");
  assertEquals(pending(), []);
  assertEquals(pending("RollingRestart"), [0, 1, 2]);
  // A node that is not started again by itself, because it was removed for example, is not waited for.
  stage.end(0, 76);
  await until(() => pending().length === 2, "the node has ended for good");
  assertEquals(pending("RollingRestart"), [1, 2]);
  // One that was given up is forgotten.
  stage.nowMs += ROLLING_RESTART_MS_MAX;
  assertEquals(pending(), []);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("what a log says is no request, whatever it says", async () => {
  const { stage } = await readyStage();
  const line = writeRequest({ number: 7, wish: { node: 0, action: "kill" } }).trimEnd();
  stage.plans[1]?.onLine(line, "stderr");
  assertEquals(stage.said, [`[node 1] ${line}`]);
  assertEquals(stage.told, []);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("when the last node that ran is given up, those that were killed cannot be brought back: the launcher ends", async () => {
  const { stage, ask } = await readyStage();
  for (const node of [1, 2]) {
    ask(0, node, "kill");
    await until(() => ask(0, node, "kill") === `node ${node} does not run`, `node ${node} does not run`);
  }
  stage.end(0, 75);
  assertEquals(await stage.exit, 75);
});

Deno.test("a node that pauses itself goes on when it has become the last one meanwhile", async () => {
  const { stage, ask } = await readyStage();
  ask(0, 2, "kill");
  await until(() => ask(0, 2, "kill") === "node 2 does not run", "node 2 does not run");
  assertEquals(ask(0, 0, "pause"), "Running,Running,Down");
  ask(0, 1, "kill");
  const late = "Cannot pause node 0 any more: node 0 is the last one that runs: nobody could bring it back";
  await until(() => stage.said.at(-1) === late, late);
  assertEquals(stage.told.filter((line) => line.includes("SIGSTOP")), []);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("a launcher that stops its nodes starts none on request", async () => {
  const { stage, ask } = await readyStage();
  stage.onTerm = (id) => id === 0 ? undefined : stage.end(id, 0);
  stage.stop();
  await until(
    () => ask(0, 1, "restart") === "the launcher is stopping its nodes",
    "the launcher is stopping its nodes",
  );
  stage.end(0, 0);
  assertEquals(await stage.exit, 0);
  assertEquals(stage.plans.filter(({ args }) => args[0] === "0").length, 1);
});
