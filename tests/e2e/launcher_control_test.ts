/** The buttons of the local cluster, through HTTP: what they do to real processes, and who may press them. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

interface Launched {
  readonly id: number;
  readonly pid: number | null;
  readonly state: string;
  readonly partitioned: boolean;
}

/** A node's HTTP, with its token. */
class Panel {
  readonly #base: string;
  readonly #token: string;

  private constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  static async open(base: string): Promise<Panel> {
    const response = await fetch(`${base}/v1/live`);
    assert(response.body !== null);
    const reader = response.body.getReader();
    let text = "";
    while (!/^data: .*\n/m.test(text)) {
      const { value, done } = await reader.read();
      assert(!done, text);
      text += new TextDecoder().decode(value);
    }
    await reader.cancel();
    const token = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "{}").token;
    return new Panel(base, token);
  }

  async press(id: number, action: string): Promise<{ readonly status: number; readonly code: unknown }> {
    return await this.#post(`/${id}/${action}`);
  }

  async add(): Promise<{ readonly status: number; readonly code: unknown }> {
    return await this.#post("");
  }

  async #post(what: string): Promise<{ readonly status: number; readonly code: unknown }> {
    const response = await fetch(`${this.#base}/v1/launcher/nodes${what}`, {
      method: "POST",
      headers: { "x-kv-token": this.#token },
    });
    return { status: response.status, code: (await response.json()).code };
  }

  async nodes(): Promise<readonly Launched[]> {
    return (await (await fetch(`${this.#base}/v1/launcher`)).json()).nodes;
  }

  async cluster(): Promise<Readonly<Record<string, unknown>>> {
    return await (await fetch(`${this.#base}/v1/cluster`)).json();
  }

  /** Waits for a leader other than `than` that a majority follows. */
  async leaderOtherThan(than: number): Promise<number> {
    return await waitFor(async () => {
      const { leader } = await this.cluster();
      return typeof leader === "number" && leader !== than ? leader : undefined;
    }, { what: `a leader other than node ${than}` });
  }

  async until(id: number, state: string): Promise<void> {
    await waitFor(async () => (await this.nodes())[id]?.state === state || undefined, {
      what: `node ${id} to be ${state}`,
    });
  }
}

async function reachable(panel: Panel, id: number, wanted: boolean): Promise<void> {
  await waitFor(async () => {
    const { members } = await panel.cluster() as {
      readonly members: readonly { readonly id: number; readonly reachable: boolean }[];
    };
    return members.find((member) => member.id === id)?.reachable === wanted || undefined;
  }, { what: `node ${id} to be ${wanted ? "reachable" : "gone"}` });
}

Deno.test("kill, restart, pause, continue, partition and heal through HTTP", () =>
  withLaunchedCluster(async ({ httpBases }) => {
    const first = await Panel.open(httpBases[0] ?? "");
    const leader = await first.leaderOtherThan(-1);
    const watcher = (leader + 1) % 3;
    const panel = await Panel.open(httpBases[watcher] ?? "");
    const before = (await panel.nodes())[leader]?.pid;

    assertEquals((await panel.press(leader, "kill")).status, 200);
    const next = await panel.leaderOtherThan(leader);
    await panel.until(leader, "Down");
    assertEquals((await panel.press(leader, "pause")).code, "wrong_state");
    assertEquals((await panel.press(leader, "restart")).status, 200);
    await reachable(panel, leader, true);
    assertNotEquals((await panel.nodes())[leader]?.pid, before);

    const other = [0, 1, 2].find((id) => id !== watcher && id !== next) ?? 0;
    assertEquals((await panel.press(other, "pause")).status, 200);
    await reachable(panel, other, false);
    assertEquals((await panel.nodes())[other]?.state, "Paused");
    assertEquals((await panel.press(other, "continue")).status, 200);
    await reachable(panel, other, true);

    assertEquals((await panel.press(other, "partition")).status, 200);
    await reachable(panel, other, false);
    const alone = await fetch(`${httpBases[other]}/v1/kv/a`);
    assertEquals([alone.status, (await alone.json()).code !== undefined], [503, true]);
    assertEquals((await fetch(`${httpBases[watcher]}/v1/kv/a`, { method: "PUT", body: "1" })).status, 201);
    assertEquals((await panel.press(other, "heal")).status, 200);
    await reachable(panel, other, true);
    const read = async () => await (await fetch(`${httpBases[other]}/v1/kv/a`)).text() === "1" || undefined;
    await waitFor(read, { what: "the node that came back to know the leader" });
  }));

Deno.test("a leader that is partitioned steps down, another one takes over, and it follows that one when healed", () =>
  withLaunchedCluster(async ({ httpBases, process }) => {
    const first = await Panel.open(httpBases[0] ?? "");
    const leader = await first.leaderOtherThan(-1);
    const panel = await Panel.open(httpBases[(leader + 1) % 3] ?? "");
    // Its own dashboard asks, and goes on to serve: only the links to the other nodes are cut.
    const own = await Panel.open(httpBases[leader] ?? "");
    assertEquals((await own.press(leader, "partition")).status, 200);
    const next = await panel.leaderOtherThan(leader);
    await waitFor(async () => (await own.cluster())["leader"] === null || undefined, {
      what: "the partitioned leader to step down",
    });
    for (const id of [0, 1, 2]) if (id !== leader) await reachable(own, id, false);
    assertEquals((await panel.nodes()).map(({ partitioned }) => partitioned), [0, 1, 2].map((id) => id === leader));
    assertEquals((await fetch(`${httpBases[next]}/v1/kv/a`, { method: "PUT", body: "1" })).status, 201);

    assertEquals((await panel.press(leader, "heal")).status, 200);
    await waitFor(async () => typeof (await own.cluster())["leader"] === "number" || undefined, {
      what: "the healed node to know a leader",
    });
    assertEquals(await (await fetch(`${httpBases[leader]}/v1/kv/a`)).text(), "1");
    const said = `Asked through node ${leader} to partition node ${leader}`;
    assert(process.lines.some((line) => line.includes(said)), "the launcher says who asked for what");
  }));

Deno.test("restarted in order and partitioned while it starts, a node is cut off and not lost", () =>
  withLaunchedCluster(async ({ httpBases, process }) => {
    const panel = await Panel.open(httpBases[0] ?? "");
    const before = (await panel.nodes())[1]?.pid;
    assertEquals((await panel.press(1, "restart")).status, 200);
    await waitFor(async () => {
      const pid = (await panel.nodes())[1]?.pid;
      return typeof pid === "number" && pid !== before || undefined;
    }, { what: "the new process" });
    assertEquals((await panel.press(1, "partition")).status, 200);
    await process.line("Cut off from the other nodes");
    await reachable(panel, 1, false);
    assertEquals((await panel.press(1, "heal")).status, 200);
    await reachable(panel, 1, true);
  }));

Deno.test("without the token nobody kills, and without the launcher nothing can be", async () => {
  await withLaunchedCluster(async ({ httpBases: [base = ""] }) => {
    for (const headers of [{}, { "x-kv-token": "0".repeat(32) }, { "x-kv-token": "" }]) {
      const response = await fetch(`${base}/v1/launcher/nodes/1/kill`, { method: "POST", headers });
      assertEquals([response.status, (await response.json()).code], [403, "bad_token"]);
    }
    const { nodes } = await (await fetch(`${base}/v1/launcher`)).json();
    assertEquals(nodes.map(({ state }: Launched) => state), ["Running", "Running", "Running"]);
  });
  await withCluster({ nodes: 1 }, async (cluster) => {
    const base = `http://127.0.0.1:${cluster.node(0).httpPort}`;
    const response = await fetch(`${base}/v1/launcher`);
    assertEquals([response.status, (await response.json()).code], [404, "no_launcher"]);
    assertEquals(await (await Panel.open(base)).add(), { status: 404, code: "no_launcher" });
    assertEquals((await (await Panel.open(base)).press(0, "kill")).code, "no_launcher");
  });
});
