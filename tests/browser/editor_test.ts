/** The key browser of the dashboard, where a careless click must not cost anything. */

import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { type LaunchedCluster, withLaunchedCluster } from "../support/launched_cluster.ts";
import { CHROMIUM, testWith } from "../support/needs.ts";
import { assertNoErrors, byTestId, DESKTOP, openPage, untilText, withBrowser } from "./browser.ts";

/** A cluster with keys, and its page. */
function withPage(
  keys: Readonly<Record<string, string>>,
  body: (page: Page, cluster: LaunchedCluster & { readonly base: string }) => Promise<void>,
): Promise<void> {
  return withLaunchedCluster((cluster) =>
    withBrowser([], async (browser) => {
      const [base = ""] = cluster.httpBases;
      for (const [path, value] of Object.entries(keys)) {
        assert((await fetch(`${base}/v1/kv/${path}`, { method: "PUT", body: value })).ok);
      }
      const { page, errors } = await openPage(browser, DESKTOP);
      await page.goto(base);
      await byTestId(page, "key-row").first().waitFor();
      await body(page, { ...cluster, base });
      assertNoErrors(errors);
    })
  );
}

function rowOf(page: Page, name: string): ReturnType<Page["locator"]> {
  return page.locator(`[data-testid="key-row"][data-key=${JSON.stringify(name)}]`);
}

async function open(page: Page, name: string): Promise<void> {
  await rowOf(page, name).getByRole("button").click();
  await untilText(page, "editor-name", (text) => text.replaceAll("\\", "") === name.replaceAll(/\\x|\\/g, ""));
}

async function status(base: string, path: string): Promise<number> {
  const response = await fetch(`${base}/v1/kv/${path}`);
  await response.body?.cancel();
  return response.status;
}

testWith(
  [CHROMIUM],
  "dashboard: Enter and Escape in the delete dialog keep the key",
  () =>
    withPage({ precious: "1" }, async (page, { base }) => {
      await open(page, "precious");
      for (const key of ["Enter", "Escape", "Space"]) {
        await byTestId(page, "value-delete").click();
        await byTestId(page, "dialog").waitFor();
        assertEquals(await page.evaluate("document.activeElement.dataset.testid"), "confirm-no");
        await page.keyboard.press(key);
        await byTestId(page, "dialog").waitFor({ state: "hidden" });
        assertEquals(await status(base, "precious"), 200);
      }
      await byTestId(page, "value-delete").click();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await rowOf(page, "precious").waitFor({ state: "detached" });
      assertEquals(await status(base, "precious"), 404);
    }),
);

testWith([CHROMIUM], "dashboard: of long keys the end is shown, and the whole key where it is open", () => {
  const common = `feed:${"europe:".repeat(40)}station-`;
  return withPage({ [`${common}0042`]: "a", [`${common}0043`]: "b" }, async (page) => {
    for (const end of ["0042", "0043"]) {
      const row = rowOf(page, common + end);
      const tail = row.locator(".tail");
      assertEquals(await tail.textContent(), `station-${end}`.slice(-12));
      // It is in sight: inside its cell, and not below something else.
      const inside = await tail.evaluate((element) => {
        const cell = element.closest("td")?.getBoundingClientRect();
        const own = element.getBoundingClientRect();
        return cell !== undefined && own.width > 0 && own.right <= cell.right + 1;
      });
      assert(inside, end);
      await open(page, common + end);
      assertEquals(await byTestId(page, "editor-name").textContent(), common + end);
    }
  });
});

testWith(
  [CHROMIUM],
  "dashboard: unsaved edits are asked about before they are lost",
  () =>
    withPage({ one: "1", two: "2" }, async (page, { base }) => {
      await open(page, "one");
      await byTestId(page, "value-editor").fill("edited");
      const leave: readonly (() => Promise<void>)[] = [
        () => rowOf(page, "two").getByRole("button").click(),
        () => byTestId(page, "new-key").click(),
        () => byTestId(page, "close-editor").click(),
      ];
      for (const action of leave) {
        await action();
        await byTestId(page, "dialog").waitFor();
        assertEquals(await page.evaluate("document.activeElement.textContent"), "Keep editing");
        await page.keyboard.press("Escape");
        assertEquals(await byTestId(page, "value-editor").inputValue(), "edited");
        assertEquals(await byTestId(page, "editor-name").textContent(), "one");
      }
      // The browser itself asks before the page is left.
      const asked = new Promise<string>((resolve) => {
        page.once("dialog", async (dialog) => {
          resolve(dialog.type());
          await dialog.dismiss();
        });
      });
      await page.close({ runBeforeUnload: true });
      assertEquals(await asked, "beforeunload");
      await rowOf(page, "two").getByRole("button").click();
      await byTestId(page, "confirm-yes").click();
      await untilText(page, "editor-name", (text) => text === "two");
      // Without an edit nobody asks.
      await rowOf(page, "one").getByRole("button").click();
      await untilText(page, "editor-name", (text) => text === "one");
      assertEquals(await byTestId(page, "value-editor").inputValue(), "1");
      assertEquals(await (await fetch(`${base}/v1/kv/one`)).text(), "1");
    }),
);

async function ttlOf(base: string, path: string): Promise<number | undefined> {
  const response = await fetch(`${base}/v1/kv/${path}`);
  await response.body?.cancel();
  const text = response.headers.get("x-kv-ttl-ms");
  return text === null ? undefined : Number(text);
}

testWith(
  [CHROMIUM],
  "dashboard: saving keeps the time to live, unless it was changed",
  () =>
    withPage({ "lease?ttl=1h": "1", plain: "2" }, async (page, { base }) => {
      const save = async () => {
        await byTestId(page, "value-save").click();
        await untilText(page, "editor-message", (text) => text === "Saved");
      };
      await open(page, "lease");
      await byTestId(page, "value-editor").fill("edited");
      await save();
      const kept = await ttlOf(base, "lease") ?? 0;
      assert(kept > 0 && kept <= 3_600_000, String(kept));
      await byTestId(page, "editor-ttl").fill("2h");
      await save();
      assert((await ttlOf(base, "lease") ?? 0) > 3_600_000);
      await byTestId(page, "editor-ttl").fill("");
      await save();
      assertEquals(await ttlOf(base, "lease"), undefined);
      assertEquals(await (await fetch(`${base}/v1/kv/lease`)).text(), "edited");
      await open(page, "plain");
      await byTestId(page, "value-editor").fill("edited");
      await save();
      assertEquals(await ttlOf(base, "plain"), undefined);
    }),
);

testWith(
  [CHROMIUM],
  "dashboard: bytes and the text that spells them look different, and binary keys are found and made",
  () =>
    withPage({ "h%de%ff": "bytes", "h%5cxde%5cxff": "text", "v": "\\x00", "w": "\x00" }, async (page, { base }) => {
      const styles = async (name: string) => await rowOf(page, name).locator(".byte").count();
      assertEquals([await styles("h\\xde\\xff"), await styles("h\\\\xde\\\\xff")], [2, 0]);
      const spelled = await rowOf(page, "h\\\\xde\\\\xff").getByRole("button").textContent();
      assertEquals(spelled, "h\\xde\\xff");
      assertEquals([await styles("v"), await styles("w")], [0, 1]);
      await byTestId(page, "prefix-kind").selectOption("bytes");
      await byTestId(page, "key-prefix").fill("h\\xde");
      await byTestId(page, "key-search").click();
      await untilText(page, "page-note", (text) => text === "Page 1, 1 key");
      await open(page, "h\\xde\\xff");
      assertEquals(await byTestId(page, "value-editor").inputValue(), "bytes");
      await byTestId(page, "key-prefix").fill("h\\q");
      await byTestId(page, "key-search").click();
      await untilText(page, "page-note", (text) => text.includes("is no escape"));
      await byTestId(page, "new-key").click();
      await byTestId(page, "editor-key").fill("new\\x00\\xff\\\\");
      await byTestId(page, "value-editor").fill("made");
      await byTestId(page, "value-save").click();
      await untilText(page, "editor-message", (text) => text === "Saved");
      assertEquals(await (await fetch(`${base}/v1/kv/new%00%ff%5c`)).text(), "made");
    }),
);
