/** What the dashboard says while something fails is true, and what was true is said no longer when it is not. */

import type { Page } from "playwright-core";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { CHROMIUM, testWith } from "../support/needs.ts";
import { waitFor } from "../support/wait.ts";
import { byTestId, DESKTOP, openPage, untilAttribute, untilText, type Watched, withBrowser } from "./browser.ts";

async function leaderOf({ page }: Watched, isRight: (id: number) => boolean = () => true): Promise<number> {
  const text = await untilText(page, "leader", (shown) => /^node \d$/.test(shown) && isRight(Number(shown.at(-1))));
  return Number(text.at(-1));
}

async function untilHealthy({ page }: Watched): Promise<void> {
  await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
}

/** A page of a cluster that holds the key `k` with the value "before". */
function withKey(body: (parts: { readonly page: Page; readonly base: string }) => Promise<void>): Promise<void> {
  return withLaunchedCluster(({ httpBases }) =>
    withBrowser([], async (browser) => {
      const [base = ""] = httpBases;
      assert((await fetch(`${base}/v1/kv/k`, { method: "PUT", body: "before" })).ok);
      const { page } = await openPage(browser, DESKTOP);
      await page.goto(base);
      await body({ page, base });
    })
  );
}

testWith(
  [CHROMIUM],
  "dashboard: a dead node keeps the index it was last seen at, through a change of the leader",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        for (let count = 0; count < 30; count++) {
          assert((await fetch(`${httpBases[0]}/v1/kv/k${count}`, { method: "PUT", body: "v" })).ok);
        }
        const watched = await openPage(browser, DESKTOP);
        const { page } = watched;
        await page.goto(httpBases[0] ?? "");
        await untilHealthy(watched);
        const dead = await leaderOf(watched);
        await Promise.all(httpBases.map((base) => untilSeenAt(base, { id: dead, index: 30 })));
        await byTestId(page, `kill-${dead}`).click();
        await untilText(page, `condition-${dead}`, (text) => text === "killed");
        const leader = await leaderOf(watched, (id) => id !== dead);
        // As the new leader tells, whose own knowledge of the dead one begins with its term.
        if (await byTestId(page, `watch-${leader}`).isVisible()) await byTestId(page, `watch-${leader}`).click();
        await untilText(page, "connection", (text) => text === `Live from node ${leader}`);
        await untilText(
          page,
          "headline-title",
          (text) => text === `Working without node ${dead}, cannot lose another node`,
        );
        const facts = await untilText(page, `facts-${dead}`, (text) => / ago$/.test(text));
        const [, index = "0"] = /^Last seen at index ([\d,]+), \d+ (?:s|min) ago$/.exec(facts) ?? [];
        assert(Number(index.replaceAll(",", "")) >= 30, facts);
        await untilText(page, `facts-${dead}`, (text) => text !== facts);
        await byTestId(page, `restart-${dead}`).click();
        await untilHealthy(watched);
      })
    ),
);

testWith(
  [CHROMIUM],
  "dashboard: the time line tells what happened before the page was opened, at its time",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const [base = ""] = httpBases;
        const acted = async (action: string) => {
          const token = await tokenOf(base);
          const url = `${base}/v1/launcher/nodes/2/${action}`;
          const response = await fetch(url, { method: "POST", headers: { "X-KV-Token": token } });
          assert(response.ok, await response.text());
        };
        const from = Date.now();
        await acted("kill");
        await waitFor(async () => await reaches(base, 2) === false || undefined, { what: "node 2 is away" });
        const until = Date.now();
        await acted("restart");
        await waitFor(async () => await reaches(base, 2) === true || undefined, { what: "node 2 is back" });
        const { page } = await openPage(browser, DESKTOP);
        await page.goto(base);
        await untilText(page, "time-line", (text) => text.includes("Node 0 reaches node 2"));
        const times = await byTestId(page, "time-line").locator("li", { hasText: "Node 0 lost node 2" })
          .locator("time").getAttribute("datetime");
        const at = Date.parse(times ?? "");
        assert(at >= from && at <= until + 200, `${times} is between ${from} and ${until}`);
      })
    ),
);

async function tokenOf(base: string): Promise<string> {
  const response = await fetch(`${base}/v1/live`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!/^data: .*\n/m.test(text)) text += (await reader?.read())?.value ?? "";
  await reader?.cancel();
  return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "{}").token;
}

/** Waits until a node has heard from another one that its log holds an entry: nodes tell each other once a second. */
function untilSeenAt(base: string, { id, index }: { readonly id: number; readonly index: number }): Promise<true> {
  return waitFor(async () => ((await memberAt(base, id))?.["match_index"] ?? 0) >= index || undefined, {
    what: `${base} sees node ${id} at index ${index}`,
  });
}

async function reaches(base: string, id: number): Promise<boolean | undefined> {
  return (await memberAt(base, id))?.reachable;
}

interface SeenMember {
  readonly id: number;
  readonly reachable: boolean;
  readonly "match_index": number | null;
}

async function memberAt(base: string, id: number): Promise<SeenMember | undefined> {
  const reply: { readonly members: readonly SeenMember[] } = await (await fetch(`${base}/v1/cluster/members`)).json();
  return reply.members.find((member) => member.id === id);
}

testWith(
  [CHROMIUM],
  "dashboard: an error goes when it no longer holds",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const watched = await openPage(browser, DESKTOP);
        const { page } = watched;
        await page.goto(httpBases[0] ?? "");
        await untilHealthy(watched);
        await byTestId(page, "kill-1").click();
        await untilText(page, "condition-1", (text) => text === "killed");
        await byTestId(page, "kill-2").click();
        await untilText(page, "headline-title", (text) => text === "No quorum: start node 1 or 2");
        await byTestId(page, "kill-0").click();
        await untilText(page, "control-message", (text) => text.includes("the last one that runs"));
        // Nothing can be read now, and the page says so; when it can, it reads by itself.
        await byTestId(page, "key-search").click();
        await untilAttribute(page, { id: "page-note", name: "data-bad", value: "true" });
        await byTestId(page, "restart-2").click();
        await untilText(page, "control-message", (text) => text === "");
        await untilText(page, "headline-title", (text) => text === "Working without node 1, cannot lose another node");
        await untilAttribute(page, { id: "page-note", name: "data-bad", value: "false" });
        await byTestId(page, "restart-1").click();
        await untilHealthy(watched);
      })
    ),
);

testWith(
  [CHROMIUM],
  "dashboard: a save without an answer is looked up, and the page says what became of it",
  () =>
    withKey(async ({ page, base }) => {
      const save = async (value: string, isDone: boolean) => {
        await page.locator('[data-key="k"]').getByRole("button").click();
        await byTestId(page, "value-editor").fill(value);
        // The reply, or the request, is lost on its way.
        await page.route("**/v1/kv/k*", async (route) => {
          if (route.request().method() !== "PUT") return await route.fallback();
          if (isDone) await route.fetch();
          await route.abort();
        });
        await byTestId(page, "value-save").click();
        await untilText(page, "editor-message", (text) => text === (isDone ? "Saved" : "It was not done"));
        await page.unroute("**/v1/kv/k*");
      };
      await save("after", true);
      assertEquals(await byTestId(page, "value-editor").inputValue(), "after");
      await save("later", false);
      assertEquals(await byTestId(page, "value-editor").inputValue(), "later");
      assertEquals(await (await fetch(`${base}/v1/kv/k`)).text(), "after");
    }),
);

testWith(
  [CHROMIUM],
  "dashboard: what is typed is not replaced by a reply that comes later",
  () =>
    withKey(async ({ page, base }) => {
      const editor = byTestId(page, "value-editor");
      const row = page.locator('[data-key="k"]').getByRole("button");
      /** Requests of that method wait until `run` has seen the page with one on its way. */
      const hold = async (method: string, isLost = false) => {
        const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        await page.route("**/v1/kv/k*", async (route) => {
          if (route.request().method() !== method) return await route.fallback();
          held.resolve();
          await release.promise;
          if (!isLost) return await route.fallback();
          await route.fetch();
          await route.abort();
        });
        return async (look: () => Promise<void>) => {
          await held.promise;
          await look();
          release.resolve();
        };
      };
      const isHeld = async () => assertEquals(await editor.isEditable(), false);
      await row.click();
      await untilText(page, "editor-facts", (text) => text.includes("version 1"));
      // Nothing can be typed while the value is read again, or saved.
      const whileReading = await hold("GET");
      await row.click();
      await whileReading(isHeld);
      await editor.fill("first");
      await page.unroute("**/v1/kv/k*");
      const whileSaving = await hold("PUT");
      await byTestId(page, "value-save").click();
      await whileSaving(isHeld);
      await untilText(page, "editor-message", (text) => text === "Saved");
      await page.unroute("**/v1/kv/k*");
      // A save without an answer: what is typed before it is looked up stays, and can be saved.
      const whileLost = await hold("PUT", true);
      await editor.fill("second");
      const whileLookedUp = await hold("GET");
      await byTestId(page, "value-save").click();
      await whileLost(isHeld);
      await whileLookedUp(() => editor.fill("third"));
      await untilText(page, "editor-message", (text) => text === "Saved");
      assertEquals(await editor.inputValue(), "third");
      await page.unroute("**/v1/kv/k*");
      await byTestId(page, "value-save").click();
      await untilText(page, "editor-facts", (text) => text.includes("version 4"));
      assertEquals(await (await fetch(`${base}/v1/kv/k`)).text(), "third");
    }),
);

testWith(
  [CHROMIUM],
  "dashboard: the charts keep their history when the page goes over to another node",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const watched = await openPage(browser, DESKTOP);
        const { page } = watched;
        await page.goto(httpBases[0] ?? "");
        await untilHealthy(watched);
        // What is drawn of the memory, which every frame tells: dots and lines in the colour of its first series.
        const inked = `[...document.querySelectorAll("#charts canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const [r, g, b] = [0x0b, 0x6e, 0x69];
        let left = canvas.width;
        for (let at = 0; at < data.length; at += 4) {
          const isInk = Math.abs(data[at] - r) < 24 && Math.abs(data[at + 1] - g) < 24 && Math.abs(data[at + 2] - b) < 24;
          if (isInk && data[at + 3] > 200) left = Math.min(left, (at / 4) % canvas.width);
        }
        return canvas.width - left;
      })[5]`;
        const before = await waitFor(async () => {
          const width = Number(await page.evaluate(inked));
          return width > 12 ? width : undefined;
        }, { what: "some history" });
        await byTestId(page, "watch-1").click();
        await untilText(page, "connection", (text) => text === "Live from node 1");
        assert(Number(await page.evaluate(inked)) >= before);
        assertMatch(await page.locator("#charts-title").textContent() ?? "", /measured by node\s+1/);
      })
    ),
);
