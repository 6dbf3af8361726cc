/** The dashboard in a real browser: what a person sees and does, through the death of a leader. */

import axe from "axe-core";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { waitFor } from "../support/wait.ts";
import {
  assertNoErrors,
  byTestId,
  DESKTOP,
  openPage,
  screenshotDirectory,
  untilAttribute,
  untilText,
  type View,
  type Watched,
  withBrowser,
} from "./browser.ts";
import { CHROMIUM, REDIS_CLI, testWith } from "../support/needs.ts";

const LEADER = /^node (\d)$/;

async function leaderOf({ page }: Watched, isRight: (id: number) => boolean = () => true): Promise<number> {
  const text = await untilText(page, "leader", (shown) => {
    const id = LEADER.exec(shown)?.[1];
    return id !== undefined && isRight(Number(id));
  });
  return Number(LEADER.exec(text)?.[1]);
}

async function redis(port: number, ...args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("redis-cli", { args: ["-p", String(port), ...args] }).output();
  return new TextDecoder().decode(stdout).trim();
}

async function seriousViolations({ page }: Watched): Promise<readonly string[]> {
  // Through the debugging protocol, which the page's security policy does not bind.
  await page.evaluate(axe.source);
  const found = await page.evaluate("axe.run()") as axe.AxeResults;
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

testWith(
  [CHROMIUM, REDIS_CLI],
  "a person sees the cluster, kills the leader, sees the next one, and edits a key",
  () =>
    withLaunchedCluster(({ httpBases, ports }) =>
      withBrowser([], async (browser) => {
        const watched = await openPage(browser, DESKTOP);
        const { page, errors } = watched;
        const response = await page.goto(httpBases[0] ?? "");
        const policy = await response?.headerValue("content-security-policy") ?? "";
        assert(policy.includes("script-src 'self';") && !policy.includes("unsafe-inline"), policy);
        await untilAttribute(page, { id: "connection", name: "data-state", value: "live" });
        for (const id of [0, 1, 2]) {
          await untilAttribute(page, { id: `node-${id}`, name: "data-reachable", value: "true" });
        }
        const leader = await leaderOf(watched);
        await untilAttribute(page, { id: `node-${leader}`, name: "data-role", value: "Leader" });
        // What is set now is lost when the page is loaded again.
        await page.evaluate("globalThis.marked = true");

        await byTestId(page, `kill-${leader}`).click();
        const next = await leaderOf(watched, (id) => id !== leader);
        await untilAttribute(page, { id: `node-${leader}`, name: "data-reachable", value: "false" });
        await untilAttribute(page, { id: "connection", name: "data-state", value: "live" });
        await untilText(page, "time-line", (text) => text.includes(`Node ${next} leads`));

        await byTestId(page, "new-key").click();
        await byTestId(page, "editor-key").fill("from/the browser é");
        await byTestId(page, "value-editor").fill("first");
        await byTestId(page, "value-save").click();
        const row = page.locator('[data-testid="key-row"][data-key="from/the browser é"]');
        await row.waitFor();
        await row.getByRole("button").click();
        await waitFor(async () => await byTestId(page, "value-editor").inputValue() === "first" || undefined, {
          what: "the value in the editor",
        });
        await byTestId(page, "view-hex").click();
        assertEquals(await byTestId(page, "value-editor").inputValue(), "66 69 72 73 74");
        await byTestId(page, "view-json").click();
        await byTestId(page, "view-text").click();
        await byTestId(page, "value-editor").fill("edited");
        await byTestId(page, "value-save").click();
        await waitFor(
          async () => await redis(ports[next] ?? 0, "GET", "from/the browser é") === "edited" || undefined,
          {
            what: "the edited value in redis-cli",
          },
        );

        await byTestId(page, `restart-${leader}`).click();
        await untilAttribute(page, { id: `node-${leader}`, name: "data-reachable", value: "true" });
        await byTestId(page, "value-delete").click();
        await byTestId(page, "confirm-no").click();
        assertEquals(await redis(ports[next] ?? 0, "GET", "from/the browser é"), "edited");
        await byTestId(page, "value-delete").click();
        await byTestId(page, "confirm-yes").click();
        await row.waitFor({ state: "detached" });
        assertEquals(await redis(ports[next] ?? 0, "EXISTS", "from/the browser é"), "0");

        assertEquals(await page.evaluate("globalThis.marked"), true);
        assertNoErrors(errors);
      })
    ),
);

testWith(
  [CHROMIUM],
  "an edit that somebody else overtook is not saved, and the page says so",
  () =>
    withLaunchedCluster(({ httpBases, ports }) =>
      withBrowser([], async (browser) => {
        await redis(ports[1] ?? 0, "SET", "k", "1");
        const { page, errors } = await openPage(browser, DESKTOP);
        await page.goto(httpBases[2] ?? "");
        await page.locator('[data-testid="key-row"][data-key="k"]').getByRole("button").click();
        await byTestId(page, "value-editor").fill("mine");
        await redis(ports[1] ?? 0, "SET", "k", "theirs");
        await byTestId(page, "value-save").click();
        await page.getByText("nothing was saved").waitFor();
        assertEquals(await redis(ports[1] ?? 0, "GET", "k"), "theirs");
        // The refusal itself stands in the console, and nothing else does.
        assertEquals(errors.filter((text) => !text.includes("412")), []);
      })
    ),
);

testWith(
  [CHROMIUM],
  "a node without a majority says so, and pause and partition are shown",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const watched = await openPage(browser, DESKTOP);
        const { page } = watched;
        await page.goto(httpBases[0] ?? "");
        await leaderOf(watched);
        await byTestId(page, "partition-0").click();
        await untilText(page, "headline-title", (text) => text === "Node 0 is partitioned: heal it to bring it back");
        await untilText(page, "leader", (text) => text === "none");
        // What is not known here is not said: the others run, and can go on without this one.
        await untilText(page, "condition-1", (text) => text === "runs, not reached");
        await untilText(page, "headline-detail", (text) => text.includes("Nodes 1 and 2 can go on without it"));
        await byTestId(page, "watch-1").click();
        await untilText(page, "headline-title", (text) => text === "Working without node 0, cannot lose another node");
        await untilText(page, "condition-0", (text) => text === "partitioned");
        await byTestId(page, "heal-0").click();
        await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
        await byTestId(page, "watch-0").click();
        await leaderOf(watched);
        await byTestId(page, "pause-1").click();
        await untilText(page, "condition-1", (text) => text === "paused");
        await untilAttribute(page, { id: "node-1", name: "data-reachable", value: "false" });
        await byTestId(page, "continue-1").click();
        await untilAttribute(page, { id: "node-1", name: "data-reachable", value: "true" });
      })
    ),
);

const VIEWS: Readonly<Record<string, View>> = {
  light: DESKTOP,
  dark: { ...DESKTOP, colorScheme: "dark" },
  phone: { width: 360, height: 740, colorScheme: "light" },
  "phone-dark": { width: 360, height: 740, colorScheme: "dark" },
};

testWith(
  [CHROMIUM],
  "pictures in light, dark and phone width; axe finds nothing serious; nothing is wider than the screen",
  () =>
    withLaunchedCluster(({ httpBases, ports }) =>
      withBrowser([], async (browser) => {
        const directory = screenshotDirectory();
        for (let count = 0; count < 40; count++) {
          await redis(ports[0] ?? 0, "SET", `user:${count}`, `{"number":${count}}`);
        }
        for (const [name, view] of Object.entries(VIEWS)) {
          const watched = await openPage(browser, view);
          const { page, errors } = watched;
          await page.goto(httpBases[1] ?? "");
          await leaderOf(watched);
          await page.locator('[data-testid="key-row"]').first().getByRole("button").click();
          await byTestId(page, "view-json").click();
          await waitFor(async () => await page.locator("#charts canvas").count() === 6 || undefined, {
            what: "the charts",
          });
          assertEquals(await seriousViolations(watched), [], name);
          const width = await page.evaluate("document.documentElement.scrollWidth");
          assertEquals(width, view.width, `${name} is as wide as the screen`);
          await page.screenshot({ path: `${directory}/${name}.png`, fullPage: true });
          assertEquals(errors, [], name);
        }
        await Deno.stdout.write(new TextEncoder().encode(`Screenshots are in ${directory}\n`));
      })
    ),
);

testWith(
  [CHROMIUM],
  "the keyboard alone reaches every control in sight, and the theme is kept",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const watched = await openPage(browser, DESKTOP);
        const { page } = watched;
        await page.goto(httpBases[0] ?? "");
        await leaderOf(watched);
        await byTestId(page, "kill-2").waitFor();
        const wanted = await page.evaluate(
          "[...document.querySelectorAll('a,button,input')].filter((e) => e.checkVisibility() && !e.disabled).length",
        ) as number;
        const reached = new Set<string>();
        for (let presses = 0; presses < wanted + 10; presses++) {
          await page.keyboard.press("Tab");
          reached.add(await page.evaluate("document.activeElement.outerHTML") as string);
        }
        assert(reached.size >= wanted, `${reached.size} of ${wanted}`);
        const before = await page.evaluate("getComputedStyle(document.body).backgroundColor");
        const theme = byTestId(page, "theme-toggle");
        await theme.focus();
        await page.keyboard.press("Enter");
        await page.keyboard.press("Enter");
        assertNotEquals(await page.evaluate("getComputedStyle(document.body).backgroundColor"), before);
        await page.reload();
        assertNotEquals(await page.evaluate("getComputedStyle(document.body).backgroundColor"), before);
      })
    ),
);
