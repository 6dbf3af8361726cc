/** The dashboard stays open for days, and goes on with whatever node answers, wherever that one is by then. */

import { assertEquals } from "@std/assert";
import { CHROMIUM, testWith } from "../support/needs.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { byTestId, DESKTOP, openPage, untilAttribute, untilText, withBrowser } from "./browser.ts";

testWith(
  [CHROMIUM],
  "dashboard: a page goes on with a node that was started again on other ports",
  () =>
    withCluster({}, (cluster) =>
      withBrowser([], async (browser) => {
        const { page } = await openPage(browser, DESKTOP);
        await page.goto(`http://127.0.0.1:${cluster.node(0).httpPort}`);
        await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
        await cluster.kill(1);
        cluster.move(1);
        await cluster.restart(1);
        const address = `127.0.0.1:${cluster.node(1).httpPort}`;
        await waitFor(async () => (await byTestId(page, "node-1").textContent())?.includes(address) || undefined, {
          what: "the page knows where node 1 is now",
        });
        await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
        await cluster.kill(2);
        await cluster.kill(0);
        await untilText(page, "connection", (text) => text === "Live from node 1");
        await untilText(page, "headline-title", (text) => text === "No quorum: start node 0 or 2");
      })),
);

testWith(
  [CHROMIUM],
  "dashboard: a page goes on with nodes that were started again while its own was away",
  () =>
    withCluster({}, (cluster) =>
      withBrowser([], async (browser) => {
        const { page } = await openPage(browser, DESKTOP);
        await page.goto(`http://127.0.0.1:${cluster.node(0).httpPort}`);
        await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
        await cluster.kill(0);
        // In their new lives these have not heard of node 0, and must still know its page.
        for (const id of [1, 2]) await cluster.kill(id);
        await untilAttribute(page, { id: "connection", name: "data-state", value: "gone" });
        for (const id of [1, 2]) await cluster.restart(id);
        await untilAttribute(page, { id: "connection", name: "data-state", value: "live" });
        await untilText(page, "headline-title", (text) => text === "Working without node 0, cannot lose another node");
      })),
);

testWith(
  [CHROMIUM],
  "dashboard: while no node answers the page offers the pages of the others, which a policy cannot bar",
  () =>
    withCluster({}, (cluster) =>
      withBrowser([], async (browser) => {
        const { page } = await openPage(browser, DESKTOP);
        await page.goto(`http://127.0.0.1:${cluster.node(0).httpPort}`);
        await untilText(page, "headline-title", (text) => text === "Healthy, can lose 1 node");
        for (const id of [0, 1, 2]) await cluster.kill(id);
        await untilText(page, "headline-title", (text) => text === "No node answers");
        await untilText(page, "headline-links", (text) => /node \d.*node \d/.test(text));
        for (const id of [1, 2]) await cluster.restart(id);
        await untilAttribute(page, { id: "connection", name: "data-state", value: "live" });
        assertEquals(await byTestId(page, "headline-links").isVisible(), false);
      })),
);
