/** A local cluster that grows, and shrinks again, under its launcher. */

import { assertEquals, assertMatch } from "@std/assert";
import { probeMembers } from "../../lib/cluster/probe.ts";
import { findFreeRun } from "../support/ports.ts";
import { programLine } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { exchange } from "./support/raw.ts";
import { waitFor, withDeadline } from "../support/wait.ts";

const FIVE = [0, 1, 2, 3, 4];
const OFFSETS = FIVE.flatMap((offset) => [offset, offset + 3_000, offset + 10_000]);

Deno.test("a local cluster of three grows to five when it is said so, keeps its data, and shrinks to three", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  const port = findFreeRun(OFFSETS);
  const started: ServerProcess[] = [];
  const start = (...flags: string[]) => {
    const process = new ServerProcess(programLine(["cluster", "--port", `${port}`, "--data-dir", directory, ...flags]));
    started.push(process);
    return process;
  };
  const ends = async (process: ServerProcess) =>
    (await withDeadline(process.ended, { what: "the launcher ends" })).code;
  try {
    const three = start();
    await three.line("KVStore is ready: 3 nodes");
    assertEquals(await exchange({ port, bytes: "PUT k here\nEXIT\n" }), "k added successfully.\nGoodbye.\n");
    assertEquals((await three.end("SIGTERM")).code, 0);
    const asked = start("--nodes", "5");
    assertEquals(await ends(asked), 2);
    assertMatch(asked.lines.join("\n"), /holds a cluster of 3 nodes: nodes 3 and 4 join it, 5 nodes in all\n.*--yes/);
    const five = start("--nodes", "5", "--yes");
    await five.line("KVStore is ready: 5 nodes");
    const members = async () => {
      const reply = await fetch(`http://127.0.0.1:${port + 3_000}/v1/cluster/members`);
      const body: { readonly members: readonly { readonly id: number; readonly voter: boolean }[] } = await reply
        .json();
      return body.members.filter(({ voter }) => voter).map(({ id }) => id);
    };
    const become = (wanted: readonly number[]) =>
      waitFor(async () => `${await members()}` === `${wanted}` ? true : undefined, {
        what: `the voters are ${wanted}`,
      });
    await become(FIVE);
    assertEquals(await exchange({ port: port + 4, bytes: "GET k\nEXIT\n" }), "value of k: here\nGoodbye.\n");
    assertEquals((await five.end("SIGTERM")).code, 0);
    // It is known now: nobody is asked again.
    const again = start("--nodes", "5");
    await again.line("KVStore is ready: 5 nodes");
    for (const id of [3, 4]) {
      await waitFor(async () => {
        const reply = await fetch(`http://127.0.0.1:${port + 3_000}/v1/cluster/members/${id}`, { method: "DELETE" });
        await reply.body?.cancel();
        return reply.status === 200 ? true : undefined;
      }, { what: `node ${id} is removed` });
      assertMatch(
        await again.line(`node ${id} exited with code 76`),
        /is not started again: it was removed from the cluster/,
      );
    }
    await become([0, 1, 2]);
    assertEquals(await exchange({ port: port + 1, bytes: "GET k\nEXIT\n" }), "value of k: here\nGoodbye.\n");
    assertEquals((await again.end("SIGTERM")).code, 0);
    const shrunk = start();
    await shrunk.line("KVStore is ready: 3 nodes");
    assertEquals((await shrunk.end("SIGTERM")).code, 0);
  } finally {
    for (const process of started) if (process.alive) await process.end("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  }
});

/** As the launcher asks: a follower hears of the last step only after its leader. */
async function saysItVotes(id: number, port: number): Promise<void> {
  const ask = async () => (await probeMembers({ hostname: "127.0.0.1", port }, { timeoutMs: 5_000 }))?.get(id);
  await waitFor(async () => await ask() === "Voter" ? true : undefined, { what: `node ${id} says that it has a vote` });
}

Deno.test("a node that is added by way of the launcher joins, may be removed, and the next start has those that are left", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  const port = findFreeRun(OFFSETS);
  const base = `http://127.0.0.1:${port + 3_000}`;
  const launcher = async () => await (await fetch(`${base}/v1/launcher`)).json();
  const add = async () => {
    const { token } = await launcher();
    const reply = await fetch(`${base}/v1/launcher/nodes`, { method: "POST", headers: { "x-kv-token": token } });
    return { status: reply.status, ...await reply.json() };
  };
  const become = (wanted: readonly number[]) =>
    waitFor(async () => {
      const { members } = await (await fetch(`${base}/v1/cluster/members`)).json();
      const voters = members.filter(({ voter }: { readonly voter: boolean }) => voter);
      return `${voters.map(({ id }: { readonly id: number }) => id)}` === `${wanted}` ? true : undefined;
    }, { what: `the voters are ${wanted}` });
  const start = () => new ServerProcess(programLine(["cluster", "--port", `${port}`, "--data-dir", directory]));
  const started = [start()];
  try {
    const [first] = started;
    await first?.line("KVStore is ready: 3 nodes");
    assertEquals(await exchange({ port, bytes: "PUT k here\nEXIT\n" }), "k added successfully.\nGoodbye.\n");
    const bare = await fetch(`${base}/v1/launcher/nodes`, { method: "POST" });
    assertEquals([bare.status, (await bare.json()).code], [403, "bad_token"]);
    const taken = Deno.listen({ hostname: "127.0.0.1", port: port + 3 });
    const refused = await add();
    taken.close();
    assertEquals([refused.status, refused.code], [409, "not_added"]);
    assertMatch(refused.detail, new RegExp(`^Port ${port + 3} on 127.0.0.1 is already in use.*--port changes it`));

    const done = await add();
    assertEquals([done.status, done.added, done.nodes.length], [200, 3, 4]);
    await become([0, 1, 2, 3]);
    await saysItVotes(3, port + 3);
    assertEquals(await exchange({ port: port + 3, bytes: "GET k\nEXIT\n" }), "value of k: here\nGoodbye.\n");
    await first?.line("node 3 is started and joins the cluster");
    assertEquals((await first?.end("SIGTERM"))?.code, 0);

    // What was added belongs to it, without a word about how many there are.
    const second = start();
    started.push(second);
    await second.line("KVStore is ready: 4 nodes");
    for (const id of [2, 3]) {
      await waitFor(async () => {
        const reply = await fetch(`${base}/v1/cluster/members/${id}`, { method: "DELETE" });
        await reply.body?.cancel();
        return reply.status === 200 ? true : undefined;
      }, { what: `node ${id} is removed` });
      await second.line(`node ${id} exited with code 76`);
    }
    assertEquals((await add()).added, 4);
    await become([0, 1, 4]);
    const { nodes } = await launcher();
    assertEquals(nodes.map(({ id, state }: { readonly id: number; readonly state: string }) => `${id} ${state}`), [
      "0 Running",
      "1 Running",
      "4 Running",
    ]);
    assertEquals((await second.end("SIGTERM")).code, 0);
    const third = start();
    started.push(third);
    await third.line("KVStore is ready: 3 nodes");
    assertEquals(await exchange({ port: port + 4, bytes: "GET k\nEXIT\n" }), "value of k: here\nGoodbye.\n");
    assertEquals((await third.end("SIGTERM")).code, 0);
  } finally {
    for (const process of started) if (process.alive) await process.end("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  }
});
