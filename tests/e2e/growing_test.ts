/** A local cluster that grows, and shrinks again, under its launcher. */

import { assertEquals, assertMatch } from "@std/assert";
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
