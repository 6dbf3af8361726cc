/** The dashboard of a local cluster with TLS: everything goes over HTTPS, to the node of the page and to the others. */

import type { Browser } from "playwright-core";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { whyNotHere } from "../e2e/support/tls_node.ts";
import { CHROMIUM, SERVER_TLS, testWith } from "../support/needs.ts";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { assertNoErrors, byTestId, DESKTOP, openPage, untilAttribute, untilText, withBrowser } from "./browser.ts";

testWith(
  [CHROMIUM, SERVER_TLS],
  "dashboard: over HTTPS it shows the cluster, saves values, and goes on with another node when its own is killed",
  async () => {
    // The program may be an executable of an older runtime, of which tests/e2e/cluster_tls_test.ts asks what it says.
    if (await whyNotHere() !== undefined) return void await assertRejects(() => withLaunchedCluster(nothing, TLS));
    await withLaunchedCluster(({ httpBases }) => withBrowser([], (browser) => useOverHttps(browser, httpBases)), TLS);
  },
);

const TLS = { flags: ["--tls"] };

function nothing(): Promise<void> {
  return Promise.resolve();
}

async function useOverHttps(browser: Browser, httpBases: readonly string[]): Promise<void> {
  const { page, errors } = await openPage(browser, { ...DESKTOP, believesAll: true });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(httpBases[1] ?? "");
  await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
  await byTestId(page, "new-key").click();
  await byTestId(page, "editor-key").fill("greeting");
  await byTestId(page, "value-editor").fill("over https");
  await byTestId(page, "value-save").click();
  await page.locator('[data-testid="key-row"][data-key="greeting"]').waitFor();
  await byTestId(page, "kill-1").click();
  await untilText(page, "connection", (text) => /^Live from node [02]$/.test(text));
  await untilAttribute(page, { id: "node-1", name: "data-reachable", value: "false" });
  await byTestId(page, "restart-1").click();
  await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
  assertEquals(asked.filter((url) => !url.startsWith("https://")), []);
  assert(new Set(asked.map((url) => new URL(url).host)).size > 1, "another node was asked");
  assertNoErrors(errors);
}
