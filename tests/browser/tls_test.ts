/** The dashboard of a local cluster with TLS: everything goes over HTTPS, to the node of the page and to the others. */

import { assert, assertEquals } from "@std/assert";
import { CHROMIUM, SERVER_TLS, testWith } from "../support/needs.ts";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { assertNoErrors, byTestId, DESKTOP, openPage, untilAttribute, untilText, withBrowser } from "./browser.ts";

testWith(
  [CHROMIUM, SERVER_TLS],
  "dashboard: over HTTPS it shows the cluster, saves values, and goes on with another node when its own is killed",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
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
      }), { flags: ["--tls"] }),
);
