/** A launcher that is asked for one more node: it starts one, or says why not, and what was there goes on. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LAUNCHED_NODES_MAX, type NodePlan } from "../../../lib/cluster/launcher.ts";
import { readOrder, writeRequest } from "../../../lib/cluster/control_lines.ts";
import type { Membership } from "../../../lib/cluster/probe.ts";
import { until } from "../../support/wait.ts";
import { planOf, readyStage, Stage } from "./launcher_stage.ts";

/** Asks through a node for one more; resolves to what was answered. */
async function addThrough(stage: Stage, from: number): Promise<string> {
  const before = stage.told.length;
  const plan = stage.plans.findLast(({ args }) => args[0] === String(from));
  plan?.onLine(writeRequest({ number: 9, wish: "AddNode" }).trimEnd(), "stdout");
  await until(() => stage.told.length > before, "an answer");
  const order = readOrder(stage.told.at(-1)?.slice(2) ?? "");
  assert(order?.type === "Answer" && order.number === 9);
  const { answer } = order;
  if (answer.type !== "Nodes") return answer.type === "Refused" ? answer.reason : answer.type;
  return `${answer.added} of ${answer.nodes.map(({ id, state }) => `${id} ${state}`)}`;
}

/** A node that ends, and the launcher has said so. */
async function fail(stage: Stage, { id, code }: { readonly id: number; readonly code: number }): Promise<void> {
  stage.end(id, code);
  const said = `node ${id} exited with code ${code}`;
  await until(() => stage.said.some((line) => line.startsWith(said)), said);
}

/** A node says how it belongs to the cluster, and the launcher has heard it. */
async function hear(stage: Stage, { id, membership }: { readonly id: number; readonly membership: Membership }) {
  stage.memberships.set(id, membership);
  const before = stage.asked.length;
  await until(() => stage.asked.indexOf(id, before) >= 0, `node ${id} is asked`);
}

/** A cluster of one node to which two are added, and none is removed yet. */
async function grownStage(): Promise<Stage> {
  const stage = new Stage(1);
  stage.elect(0, 1);
  await stage.ready();
  assertEquals(await addThrough(stage, 0), "1 of 0 Running,1 Running");
  assertEquals(await addThrough(stage, 0), "2 of 0 Running,1 Running,2 Running");
  return stage;
}

Deno.test("one more node is started as planned, is supervised like the others, and its id is never used again", async () => {
  const { stage, ask } = await readyStage();
  assertEquals(await addThrough(stage, 1), "3 of 0 Running,1 Running,2 Running,3 Running");
  assertEquals(stage.said, ["Asked through node 1 to add a node", "node 3 is started and joins the cluster"]);
  assertEquals(ask(3, 3, "kill"), "Running,Running,Running,Running");
  await until(() => ask(0, 3, "kill") === "node 3 does not run", "node 3 does not run");
  assertEquals(ask(0, 3, "restart"), "Running,Running,Running,Running");
  stage.end(3, 76);
  const gone = "node 3 exited with code 76 and is not started again: it was removed from the cluster";
  await until(() => stage.said.at(-1) === gone, gone);
  assertEquals(ask(0, 3, "restart"), "node 3 was removed from the cluster for good");
  // What was removed is let go, so that what is kept stays bounded.
  assertEquals(await addThrough(stage, 0), "4 of 0 Running,1 Running,2 Running,4 Running");
  assertEquals(stage.planned, ["0,1,2 above 2", "0,1,2 above 3"]);
  stage.stop();
  assertEquals(await stage.exit, 0);
  assertEquals(stage.plans.map(({ args }) => args[0]), ["0", "1", "2", "3", "3", "4"]);
});

Deno.test("one more node is refused in words: no plan, no process, too many, another one, the end; and none is started", async () => {
  const { stage } = await readyStage();
  stage.onPlan = () => Promise.resolve("port 5003 is taken");
  assertEquals(await addThrough(stage, 0), "port 5003 is taken");
  stage.onPlan = (usedId) => Promise.resolve(planOf(usedId + 1));
  stage.isFull = true;
  assertEquals(await addThrough(stage, 0), "node 3 cannot be started: the launcher's log says why");
  assertEquals(stage.said.at(-1), "node 3 cannot be started: no more processes");
  stage.isFull = false;
  for (let id = 3; id < LAUNCHED_NODES_MAX; id++) {
    assertEquals((await addThrough(stage, 0)).split(" ")[0], `${id}`);
  }
  assertEquals(await addThrough(stage, 0), "a local cluster has at most 7 nodes: remove one first");
  assertEquals(stage.plans.length, LAUNCHED_NODES_MAX);
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("while one node is being added no other is, and none is started once the launcher stops", async () => {
  const { stage } = await readyStage();
  let answer = (_: NodePlan) => {};
  stage.onPlan = () => new Promise((resolve) => answer = resolve);
  const line = writeRequest({ number: 9, wish: "AddNode" }).trimEnd();
  stage.plans[0]?.onLine(line, "stdout");
  assertEquals(await addThrough(stage, 1), "another node is being added: ask again in a moment");
  stage.onTerm = (id) => id === 0 ? undefined : stage.end(id, 0);
  stage.stop();
  await until(() => stage.said.at(-1)?.startsWith("Stopping") === true, "the launcher stops");
  answer(planOf(3));
  await until(() => stage.told.at(-1)?.includes("the launcher is stopping its nodes") === true, "the refusal");
  assertEquals(stage.plans.length, 3);
  stage.end(0, 0);
  assertEquals(await stage.exit, 0);
});

Deno.test("a node that was added and fails takes none of the others with it, nor does one that was removed", async () => {
  const stage = new Stage(1);
  stage.elect(0, 1);
  await stage.ready();
  assertEquals(await addThrough(stage, 0), "1 of 0 Running,1 Running");
  await fail(stage, { id: 1, code: 2 });
  // It never joined: there is nothing to remove.
  assertEquals(await addThrough(stage, 0), "2 of 0 Running,2 Running");
  await fail(stage, { id: 2, code: 76 });
  assertEquals(await addThrough(stage, 0), "3 of 0 Running,3 Running");
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("where all nodes failed the launcher says so with the exit code of one, also where nothing is known of their votes", async () => {
  const stage = await grownStage();
  await fail(stage, { id: 0, code: 76 });
  await fail(stage, { id: 1, code: 75 });
  stage.end(2, 75);
  assertEquals(await stage.exit, 75);
});

Deno.test("a node that was added counts for the majority as soon as it says that it has a vote", async () => {
  const stage = await grownStage();
  for (const id of [1, 2]) await hear(stage, { id, membership: "Voter" });
  await fail(stage, { id: 0, code: 76 });
  const asked = stage.asked.length;
  stage.end(1, 75);
  const lost = "Too few nodes are left to form a majority: stopping the others";
  await until(() => stage.said.includes(lost), lost);
  assertEquals(await stage.exit, 75);
  assertEquals(stage.asked.length, asked);
});

Deno.test("a learner that was added and fails takes none of the others with it, and stays a node to be started again", async () => {
  const stage = await grownStage();
  await hear(stage, { id: 1, membership: "Learner" });
  await fail(stage, { id: 1, code: 75 });
  await hear(stage, { id: 2, membership: "Voter" });
  assertEquals(await addThrough(stage, 0), "3 of 0 Running,1 Ended,2 Running,3 Running");
  const asked = stage.asked.length;
  await until(() => stage.asked.length > asked + 3, "node 3 is asked");
  // Whoever answers at the port of a node that has ended is another one.
  assertEquals(new Set(stage.asked.slice(asked)), new Set([3]));
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("a place is given back where the cluster does not know the node that holds it and does not run, however that came", async () => {
  const { stage, ask } = await readyStage();
  for (let id = 3; id < LAUNCHED_NODES_MAX; id++) assertEquals((await addThrough(stage, 0)).split(" ")[0], `${id}`);
  const full = "a local cluster has at most 7 nodes: remove one first";
  // 3 has joined, 4 stopped in order, 5 was killed on request, and 6 still asks to join.
  stage.memberships.set(3, "Learner");
  for (const id of [3, 5]) {
    ask(0, id, "kill");
    await until(() => ask(0, id, "kill") === `node ${id} does not run`, `node ${id} is down`);
  }
  await fail(stage, { id: 4, code: 0 });
  const known = stage.onProbe;
  // Whoever answers may lag behind, as long as they are no majority.
  stage.onProbe = (id) => id === 0 ? known(id) : undefined;
  assertEquals(await addThrough(stage, 0), full);
  stage.onProbe = (id) => id === 2 ? undefined : known(id);
  assertEquals(await addThrough(stage, 0), "7 of 0 Running,1 Running,2 Running,3 Down,6 Running,7 Running");
  assertEquals((await addThrough(stage, 0)).split(" ")[0], "8");
  assertEquals(await addThrough(stage, 0), full);
  // Also one that there was from the start, and was removed while it did not run.
  ask(0, 2, "kill");
  await until(() => ask(0, 2, "kill") === "node 2 does not run", "node 2 is down");
  stage.views.delete(2);
  stage.onProbe = known;
  assertEquals(await addThrough(stage, 0), "9 of 0 Running,1 Running,3 Down,6 Running,7 Running,8 Running,9 Running");
  assertEquals(ask(0, 2, "restart"), "there is no node 2");
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("nodes that failed before they joined take no place in the cluster, however many they are", async () => {
  const { stage } = await readyStage();
  for (let id = 3; id <= LAUNCHED_NODES_MAX + 1; id++) {
    assertEquals(await addThrough(stage, 0), `${id} of 0 Running,1 Running,2 Running,${id} Running`);
    await fail(stage, { id, code: 2 });
  }
  // Their ids are used up, also where the node after them could not be started.
  stage.isFull = true;
  const next = LAUNCHED_NODES_MAX + 2;
  for (const _ of [1, 2]) {
    assertEquals(await addThrough(stage, 0), `node ${next} cannot be started: the launcher's log says why`);
  }
  stage.stop();
  assertEquals(await stage.exit, 0);
});

Deno.test("the table leaves out nodes that say at the start that they were removed", async () => {
  const stage = new Stage(3);
  stage.end(2, 76);
  stage.elect(0, 2);
  await stage.ready();
  assertStringIncludes(stage.printed[0] ?? "", "KVStore is ready: 2 nodes, node 0 is the leader.");
  assertEquals(stage.printed[0]?.includes("node-2"), false);
  stage.stop();
  assertEquals(await stage.exit, 0);
});
