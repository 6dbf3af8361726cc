/** The history of a key on the page: what changed, where it ends, and what the node refuses. `KVSTORE_SCREENSHOTS=DIR` keeps the pictures. */

import axe from "axe-core";
import type { Page } from "playwright-core";
import { assertEquals, assertMatch } from "@std/assert";
import { CHROMIUM, testWith } from "../support/needs.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import {
  assertNoErrors,
  byTestId,
  DESKTOP,
  openPage,
  screenshotDirectory,
  untilText,
  type View,
  withBrowser,
} from "./browser.ts";

const CONFIG = (level: string, more = "") =>
  `{"service":"shop","level":"${level}","limits":{"rate":100,"burst":20},"hosts":["a","b"]${more}}`;
/** So that a little writing makes it forget. */
const HISTORY_ENTRIES = 100;
const VIEWS: Readonly<Record<string, View>> = {
  light: DESKTOP,
  dark: { ...DESKTOP, colorScheme: "dark" },
  narrow: { width: 390, height: 844, colorScheme: "light" },
};

async function open(page: Page, name: string): Promise<void> {
  await page.locator(`[data-testid="key-row"][data-key="${name}"]`).getByRole("button").click();
  await untilText(page, "editor-name", (text) => text === name);
  if (await byTestId(page, "past").getAttribute("open") === null) await byTestId(page, "past-summary").click();
}

/** What is said of each change, newest first, once there are so many. */
async function changesOf(page: Page, count: number): Promise<readonly string[]> {
  const items = byTestId(page, "past-change");
  await waitFor(async () => await items.count() === count || undefined, { what: `${count} changes` });
  return await items.evaluateAll((elements) =>
    elements.map((element) =>
      [...element.children].map((child) =>
        child.localName === "pre" ? [...child.children].map((line) => line.textContent).join("|") : child.textContent
      ).join(": ").replace(/revision [\d,]+/, "revision N")
    )
  );
}

/** A key with JSON that came, changed, went and came again, one that is not text, and one that is older than what is remembered. */
async function write(base: string): Promise<void> {
  const send = async (method: string, key: string, body?: string | Uint8Array<ArrayBuffer>) =>
    assertEquals((await fetch(`${base}/v1/kv/${key}`, { method, body: body ?? null })).ok, true, key);
  await send("PUT", "old", "before the page remembers\nline 2");
  for (let n = 0; n < HISTORY_ENTRIES; n++) await send("PUT", "filler", String(n));
  await send("PUT", "old", "after\nline 2");
  await send("PUT", "config", CONFIG("info"));
  await send("PUT", "config", CONFIG("debug"));
  await send("DELETE", "config");
  await send("PUT", "config", CONFIG("info", ',"note":"again"'));
  await send("PUT", "gone", "was here");
  await send("DELETE", "gone");
  await send("PUT", "bytes", new Uint8Array([1, 255, 3]));
  await send("PUT", "bytes", new Uint8Array([1, 255, 4, 5]));
}

async function assertShown(page: Page): Promise<void> {
  await open(page, "bytes");
  assertEquals(await changesOf(page, 2), [
    "revision N · written · 4 B: Not text before or now: the first byte that differs is number 3",
    "revision N · written · 3 B: The value is not text",
  ]);
  await open(page, "old");
  assertEquals(await changesOf(page, 1), [
    "revision N · written · 12 B: removed -before the page remembers|added +after| line 2",
  ]);
  assertMatch(
    await untilText(page, "past-end", (text) => text.includes("backup")),
    /^This node remembers what was changed after revision [\d,]+\. .* kvstore backup makes them, kvstore restore FILE --prefix/,
  );
  await open(page, "config");
  const [again = "", gone = "", debug = "", first = ""] = await changesOf(page, 4);
  assertMatch(again, /^revision N · written · \d+ B: added \+\{\|/);
  assertMatch(gone, /^revision N · deleted: removed -\{\|/);
  assertEquals(
    debug.split(": ").slice(1).join(": "),
    ' {|   "service": "shop",|removed -  "level": "info",|added +  "level": "debug",|   "limits": {|     "rate": 100,|…7 lines the same',
  );
  assertMatch(first, /added \+ {2}"level": "info",/);
  assertEquals(await byTestId(page, "past-end").textContent(), "Before that there was no such key");
}

/** A key that was deleted has no row: its history is reached by its name, and it can be written anew from there. */
async function assertGone(page: Page): Promise<void> {
  await byTestId(page, "look-back").click();
  await untilText(page, "page-note", (text) => text.startsWith("Write the whole name of a key"));
  await byTestId(page, "key-prefix").fill("gone");
  await byTestId(page, "look-back").click();
  await untilText(page, "editor-facts", (text) => text === "There is no such key now");
  assertEquals(await changesOf(page, 2), [
    "revision N · deleted: removed -was here",
    "revision N · written · 8 B: added +was here",
  ]);
  assertEquals(await byTestId(page, "editor-key").inputValue(), "gone");
  await byTestId(page, "editor-key").fill("gone2");
  await byTestId(page, "past").waitFor({ state: "hidden" });
  await byTestId(page, "close-editor").click();
  await page.locator("dialog button", { hasText: "Discard" }).click();
  // Of one that is there it is shown as from its row.
  await byTestId(page, "key-prefix").fill("config");
  await byTestId(page, "look-back").click();
  await untilText(page, "editor-name", (text) => text === "config");
  assertEquals((await changesOf(page, 4)).length, 4);
  await byTestId(page, "key-prefix").fill("");
}

/** What the node refuses is said as it says it, and nothing is shown in its place. */
async function assertRefused(page: Page): Promise<void> {
  const refuse = (pattern: RegExp, status: number, detail: string) =>
    page.route(
      pattern,
      (route) => route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ detail }) }),
    );
  await refuse(/\?history=/, 403, "May not read it");
  await open(page, "bytes");
  await untilText(page, "past-end", (text) => text === "May not read it");
  assertEquals(await byTestId(page, "past-change").count(), 0);
  await page.unroute(/\?history=/);
  await refuse(/\?revision=/, 410, "Not remembered any more; the oldest is 7");
  await open(page, "old");
  assertEquals(await changesOf(page, 1), ["revision N · written · 12 B: Not remembered any more; the oldest is 7"]);
}

testWith(
  [CHROMIUM],
  "dashboard: the history of a key shows what each change did, where it ends and what is refused",
  () =>
    withCluster({ flags: [`--history-entries=${HISTORY_ENTRIES}`] }, async (cluster) => {
      const base = `http://127.0.0.1:${cluster.node(await cluster.waitForLeader()).httpPort}`;
      await write(base);
      await withBrowser([], async (browser) => {
        const directory = screenshotDirectory();
        for (const [name, view] of Object.entries(VIEWS)) {
          const { page, context, errors } = await openPage(browser, view);
          await page.goto(base);
          await assertShown(page);
          await byTestId(page, "past").evaluate((element) => element.scrollIntoView({ block: "start" }));
          assertEquals(await page.evaluate("document.documentElement.scrollWidth"), view.width);
          await page.screenshot({ path: `${directory}/past-${name}.png` });
          await page.evaluate(axe.source);
          const found = "axe.run('#past').then(({ violations }) => violations.map(({ id }) => id))";
          assertEquals(await page.evaluate(found), [], name);
          if (view === DESKTOP) {
            await assertGone(page);
            await assertRefused(page);
          }
          assertNoErrors(errors.filter((text) => !/status of (403|404|410)/.test(text)));
          await context.close();
        }
      });
    }),
);
