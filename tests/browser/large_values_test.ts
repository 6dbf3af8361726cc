/** Large values in the dashboard: no part of them that nobody looks at is fetched, and the page stays quick. */

import { assert, assertEquals } from "@std/assert";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { CHROMIUM, testWith } from "../support/needs.ts";
import { byTestId, DESKTOP, openPage, untilText, type Watched, withBrowser } from "./browser.ts";

const SIZES: readonly (readonly [name: string, length: number, note: string, end: string])[] = [
  ["quarter", 262_144, "Bytes 0 to 4,095 of 262,144", "Bytes 258,048 to 262,143 of 262,144"],
  ["large", 4_194_304, "Bytes 0 to 4,095 of 4,194,304", "Bytes 4,190,208 to 4,194,303 of 4,194,304"],
];
/** What the page may fetch of a value to show one part of it. */
const FETCHED_BYTES_MAX = 80_000;
/** What the page may hold of a value, as text: it is the work that this makes which froze it. */
const SHOWN_LENGTH_MAX = 25_000;

function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, at) => (at * at * 31 + at) & 0xff);
}

async function put(base: string, key: string, body: Uint8Array<ArrayBuffer> | string): Promise<void> {
  const response = await fetch(`${base}/v1/kv/${key}`, { method: "PUT", body });
  assert(response.ok);
}

/** Counts the bytes of values and lists that the page gets. */
function countBytes({ page }: Watched): { bytes: number } {
  const counted = { bytes: 0 };
  page.on("response", (response) => {
    if (!response.url().includes("/v1/kv")) return;
    counted.bytes += Number(response.headers()["content-length"] ?? 0);
  });
  return counted;
}

testWith(
  [CHROMIUM],
  "dashboard: binary values of 256 KiB and 4 MiB open at once, part by part",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const [base = ""] = httpBases;
        for (const [name, length] of SIZES) await put(base, name, bytesOf(length));
        const watched = await openPage(browser, DESKTOP);
        const { page, errors } = watched;
        const counted = countBytes(watched);
        await page.goto(base);
        await byTestId(page, "key-row").nth(1).waitFor();
        assert(counted.bytes < FETCHED_BYTES_MAX, `the list takes ${counted.bytes} bytes`);
        for (const [name, length, note, end] of SIZES) {
          counted.bytes = 0;
          await page.locator(`[data-key="${name}"]`).getByRole("button").click();
          await untilText(page, "part-note", (text) => text === note);
          const first = await byTestId(page, "value-part").textContent() ?? "";
          assertEquals(
            first.split("\n")[1],
            "00000010  10 10 4e ca 84 7c b2 26 d8 c8 f6 62 0c f4 1a 7e  ..N..|.&...b...~",
          );
          await byTestId(page, "part-last").click();
          await untilText(page, "part-note", (text) => text === end);
          const last = await byTestId(page, "value-part").textContent() ?? "";
          assertEquals(last.split("\n").length, 256);
          assert(last.startsWith((length - 4_096).toString(16).padStart(8, "0")), last.slice(0, 8));
          assert(counted.bytes < FETCHED_BYTES_MAX, `${name} takes ${counted.bytes} bytes`);
          const shown = await page.evaluate(
            "document.body.textContent.length + document.getElementById('value').value.length",
          );
          assert(Number(shown) < SHOWN_LENGTH_MAX, `the page holds ${shown} characters`);
          await byTestId(page, "view-text").click();
          await byTestId(page, "view-hex").click();
          const [download] = await Promise.all([page.waitForEvent("download"), byTestId(page, "download").click()]);
          assertEquals((await Deno.stat(await download.path())).size, length);
        }
        assertEquals(errors, []);
      })
    ),
);

testWith(
  [CHROMIUM],
  "dashboard: all parts of a value are of one revision, and a large value is replaced by a file",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const [base = ""] = httpBases;
        await put(base, "text", "line of text\n".repeat(20_000));
        const { page } = await openPage(browser, DESKTOP);
        await page.goto(base);
        const open = page.locator('[data-key="text"]').getByRole("button");
        await open.click();
        await untilText(page, "part-note", (text) => text === "Bytes 0 to 4,095 of 260,000");
        assertEquals((await byTestId(page, "value-part").textContent())?.slice(0, 26), "line of text\nline of text\n");
        await byTestId(page, "value-save").click();
        await untilText(page, "editor-message", (text) => text.startsWith("Choose a file"));
        await put(base, "text", bytesOf(300_000));
        await byTestId(page, "part-last").click();
        await untilText(page, "editor-message", (text) => text.startsWith("Somebody else changed"));
        await open.click();
        await untilText(page, "part-note", (text) => text === "Bytes 0 to 4,095 of 300,000");
        const buffer = bytesOf(100_000);
        await byTestId(page, "replacement").setInputFiles({
          name: "new.bin",
          mimeType: "application/octet-stream",
          // The driver wants Node's own kind of bytes.
          buffer: (await import("node:buffer")).Buffer.from(buffer),
        });
        await untilText(page, "editor-message", (text) => text.startsWith("new.bin, 97.7 KiB"));
        await byTestId(page, "value-save").click();
        await untilText(page, "editor-message", (text) => text === "Saved");
        const stored = new Uint8Array(await (await fetch(`${base}/v1/kv/text`)).arrayBuffer());
        assertEquals(stored, buffer);
      })
    ),
);
