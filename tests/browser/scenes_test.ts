/**
 * Ten pictures of the dashboard, each of which must say the truth at a glance: what it says is checked, and the pictures are for
 * people to look at. `KVSTORE_SCREENSHOTS=DIR deno task screenshots` writes them into that directory.
 */

import type { Browser } from "playwright-core";
import { assertEquals, assertMatch } from "@std/assert";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { CHROMIUM, testWith } from "../support/needs.ts";
import { waitFor } from "../support/wait.ts";
import {
  byTestId,
  DESKTOP,
  openPage,
  screenshotDirectory,
  untilText,
  type View,
  type Watched,
  withBrowser,
} from "./browser.ts";
import { SampleLoad } from "./sample_load.ts";

const PHONE: View = { width: 390, height: 844, colorScheme: "light" };
const WIDE: View = { ...DESKTOP, height: 1_180 };
const DARK: View = { ...WIDE, colorScheme: "dark" };
const HEALTHY = /^Healthy, can lose 1 node$/;
const BINARY_BYTES = 4 * 1_048_576;

/** Takes pictures of one cluster, of the viewport as a person sees it. */
class Photographer {
  readonly #directory: string;
  readonly pictures: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Waits until the headline is as it must be, and takes the picture. */
  async take({ page }: Watched, name: string, headline: RegExp): Promise<void> {
    await untilText(page, "headline-title", (text) => headline.test(text));
    const width = await page.evaluate("document.documentElement.scrollWidth");
    assertEquals(width, page.viewportSize()?.width, `${name} is as wide as the screen`);
    await page.screenshot({ path: `${this.#directory}/${name}.png` });
    this.pictures.push(name);
  }
}

/** What is said while one node of three is away. */
function without(id: number): RegExp {
  return new RegExp(`^Working without node ${id}, cannot lose another node$`);
}

async function untilHealthy({ page }: Watched): Promise<void> {
  await untilText(page, "headline-title", (text) => HEALTHY.test(text));
}

async function untilCondition({ page }: Watched, id: number, condition: string): Promise<void> {
  await untilText(page, `condition-${id}`, (text) => text === condition);
}

async function leaderOf({ page }: Watched): Promise<number> {
  return Number(/\d/.exec(await untilText(page, "leader", (text) => text !== "none"))?.[0]);
}

/** Scrolls so that an element is in the middle, as a person would. */
async function center({ page }: Watched, id: string): Promise<void> {
  await byTestId(page, id).evaluate((element) => element.scrollIntoView({ block: "center" }));
}

/** What every scene of a cluster has. */
interface Stage {
  readonly browser: Browser;
  readonly camera: Photographer;
  readonly base: string;
  /** The page that stays open all the time. */
  readonly shown: Watched;
}

testWith(
  [CHROMIUM],
  "pictures: three nodes, from empty to without a quorum, each told as it is",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const [base = ""] = httpBases;
        const shown = await openPage(browser, WIDE);
        const stage = { browser, base, camera: new Photographer(screenshotDirectory()), shown };
        await shown.page.goto(base);
        await showEmpty(stage);
        await using load = new SampleLoad(httpBases);
        await load.fill();
        load.start();
        await showHealthy(stage);
        await showPhone(stage);
        await showLargeValue(stage);
        await showDeleteDialog(stage);
        const killed = await showKilledLeader(stage);
        const [paused = 0, cut = 0] = [0, 1, 2].filter((id) => id !== killed);
        await showPaused(stage, paused);
        await showPartitioned(stage, cut);
        load.stop();
        await showNoQuorum(stage, { killed: [killed, paused], left: cut });
        assertEquals(stage.camera.pictures.length, 9);
      })
    ),
);

async function showEmpty({ shown, camera }: Stage): Promise<void> {
  await byTestId(shown.page, "no-keys").waitFor();
  const leader = await leaderOf(shown);
  for (const id of [0, 1, 2]) await untilCondition(shown, id, id === leader ? "leader" : "follower");
  await camera.take(shown, "empty", HEALTHY);
}

async function showHealthy({ shown, camera }: Stage): Promise<void> {
  // For a picture that is kept, the charts must have something to tell.
  if (Deno.env.has("KVSTORE_SCREENSHOTS")) {
    await waitFor(async () => (await shown.page.locator("#uptime").textContent())?.includes("2 min") || undefined, {
      what: "two minutes of history",
      timeoutMs: 240_000,
    });
  }
  await byTestId(shown.page, "key-row").first().waitFor();
  await camera.take(shown, "healthy", HEALTHY);
}

async function showPhone({ browser, camera, base }: Stage): Promise<void> {
  const hand = await openPage(browser, PHONE);
  await hand.page.goto(base);
  await byTestId(hand.page, "key-row").first().waitFor();
  await camera.take(hand, "phone", HEALTHY);
  await hand.context.close();
}

async function showLargeValue({ browser, camera, base }: Stage): Promise<void> {
  const bytes = new Uint8Array(BINARY_BYTES).map((_, at) => (at * at * 31 + at) & 0xff);
  assertEquals((await fetch(`${base}/v1/kv/image/logo.png`, { method: "PUT", body: bytes })).ok, true);
  const viewer = await openPage(browser, WIDE);
  await viewer.page.goto(base);
  await byTestId(viewer.page, "key-prefix").fill("image/");
  await byTestId(viewer.page, "key-search").click();
  await viewer.page.locator('[data-key="image/logo.png"]').getByRole("button").click();
  await untilText(viewer.page, "part-note", (text) => text === "Bytes 0 to 4,095 of 4,194,304");
  await center(viewer, "value-part");
  await camera.take(viewer, "large-value", HEALTHY);
  await viewer.context.close();
}

async function showDeleteDialog({ browser, camera, base }: Stage): Promise<void> {
  const deleter = await openPage(browser, DARK);
  await deleter.page.goto(base);
  await deleter.page.locator('[data-key="config/features"]').getByRole("button").click();
  await byTestId(deleter.page, "value-delete").click();
  await camera.take(deleter, "delete-dialog", HEALTHY);
  assertEquals(await deleter.page.evaluate("document.activeElement.textContent"), "Keep");
  await deleter.context.close();
}

/** Kills the leader, which comes back at the end; returns its id. */
async function showKilledLeader({ shown, camera }: Stage): Promise<number> {
  const id = await leaderOf(shown);
  await byTestId(shown.page, `kill-${id}`).click();
  await untilCondition(shown, id, "killed");
  await shown.page.evaluate("scrollTo(0, 0)");
  await camera.take(shown, "leader-killed", without(id));
  const facts = await byTestId(shown.page, `facts-${id}`).textContent() ?? "";
  assertMatch(facts, /^Last seen at index [1-9][\d,]*, \d+ (s|min) ago$/);
  await byTestId(shown.page, `restart-${id}`).click();
  await untilHealthy(shown);
  return id;
}

async function showPaused({ shown, camera }: Stage, id: number): Promise<void> {
  await byTestId(shown.page, `pause-${id}`).click();
  await untilCondition(shown, id, "paused");
  await camera.take(shown, "paused", without(id));
  await byTestId(shown.page, `continue-${id}`).click();
  await untilHealthy(shown);
}

/** As another node sees it: that one would say of itself that it is cut off, which another test looks at. */
async function showPartitioned({ shown, camera }: Stage, id: number): Promise<void> {
  const here = /\d/.exec(await byTestId(shown.page, "connection").textContent() ?? "")?.[0];
  if (here === String(id)) await byTestId(shown.page, `watch-${id === 0 ? 1 : 0}`).click();
  await untilText(shown.page, "connection", (text) => /^Live/.test(text) && !text.endsWith(String(id)));
  await byTestId(shown.page, `partition-${id}`).click();
  await untilCondition(shown, id, "partitioned");
  await camera.take(shown, "partitioned", without(id));
  await byTestId(shown.page, `heal-${id}`).click();
  await untilHealthy(shown);
}

async function showNoQuorum(
  { shown, camera }: Stage,
  { killed, left }: { readonly killed: readonly number[]; readonly left: number },
): Promise<void> {
  for (const id of killed) {
    await byTestId(shown.page, `kill-${id}`).click();
    await untilCondition(shown, id, "killed");
  }
  await untilText(shown.page, "connection", (text) => text === `Live from node ${left}`);
  const [first, second] = killed.toSorted();
  await camera.take(shown, "no-quorum", new RegExp(`^No quorum: start node ${first} or ${second}$`));
}

testWith(
  [CHROMIUM],
  "pictures: five nodes, of which two are away",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const camera = new Photographer(screenshotDirectory());
        const shown = await openPage(browser, WIDE);
        const { page } = shown;
        await using load = new SampleLoad(httpBases);
        await load.fill();
        load.start();
        await page.goto(httpBases[4] ?? "");
        await untilText(page, "headline-title", (text) => text === "Healthy, can lose 2 nodes");
        const [paused, cut] = [1, 2];
        await byTestId(page, `pause-${paused}`).click();
        await byTestId(page, `partition-${cut}`).click();
        await untilCondition(shown, cut, "partitioned");
        await camera.take(shown, "5-nodes", /^Working without nodes 1 and 2, cannot lose another node$/);
      }), { nodes: 5 }),
);
