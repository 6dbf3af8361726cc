/** The buttons of the members in a real browser: each does what it says, and a refusal is told in words. */

import { assertEquals, assertMatch } from "@std/assert";
import { joinCommand } from "../../lib/dashboard/assets/join_command.js";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { Newcomer } from "../support/newcomer.ts";
import { CHROMIUM, testWith } from "../support/needs.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { assertNoErrors, byTestId, DESKTOP, openPage, untilText, type Watched, withBrowser } from "./browser.ts";

/** A cluster says who is drained once all its members can keep it in mind. */
const LEVEL_MIN = 7;

async function untilLevel(base: string): Promise<void> {
  await waitFor(async () => {
    const { level } = await (await fetch(`${base}/v1/cluster`)).json();
    return level >= LEVEL_MIN || undefined;
  }, { what: `level ${LEVEL_MIN}` });
}

/** Waits for that answer. When it does not come, the error has the one that stands there. */
async function said({ page }: Watched, isRight: (text: string) => boolean): Promise<string> {
  try {
    return await untilText(page, "member-message", isRight);
  } catch (error) {
    const text = await byTestId(page, "member-message").textContent();
    throw new Error(`It says instead: ${text}`, { cause: error });
  }
}

async function isBad({ page }: Watched): Promise<boolean> {
  return await byTestId(page, "member-message").getAttribute("data-bad") === "true";
}

async function leaderOf({ page }: Watched, isRight: (id: number) => boolean = () => true): Promise<number> {
  const text = await untilText(page, "leader", (shown) => /^node \d$/.test(shown) && isRight(Number(shown.at(-1))));
  return Number(text.at(-1));
}

testWith(
  [CHROMIUM],
  "dashboard: a member that is drained hands over and is marked; removing one where no quorum would hold is refused in words",
  () =>
    withLaunchedCluster(({ httpBases }) =>
      withBrowser([], async (browser) => {
        const [base = ""] = httpBases;
        const watched = await openPage(browser, DESKTOP);
        const { page, errors } = watched;
        await page.goto(base);
        await untilLevel(base);
        const leader = await leaderOf(watched);
        await byTestId(page, `drain-${leader}`).click();
        await said(watched, (text) => text === `Node ${leader} is drained: it hands over, and is not chosen to lead`);
        await untilText(page, `tag-${leader}`, (text) => text === "drained");
        const next = await leaderOf(watched, (id) => id !== leader);
        await byTestId(page, `undrain-${leader}`).click();
        await said(watched, (text) => text === `Node ${leader} may lead again`);
        await untilText(page, `tag-${leader}`, (text) => text === "");

        const [killed = 0, asked = 0] = [0, 1, 2].filter((id) => id !== next);
        await byTestId(page, `kill-${killed}`).click();
        await untilText(page, `condition-${killed}`, (text) => text === "killed");
        await byTestId(page, `remove-${asked}`).click();
        await untilText(page, "dialog", (text) => text.includes(`Remove node ${asked} from the cluster?`));
        assertEquals(await page.evaluate("document.activeElement.textContent"), "Keep");
        await byTestId(page, "confirm-no").click();
        await byTestId(page, "dialog").waitFor({ state: "hidden" });
        await said(watched, (text) => text === `Node ${leader} may lead again`);
        await byTestId(page, `remove-${asked}`).click();
        await byTestId(page, "confirm-yes").click();
        const refusal = `Node ${asked}: Nothing was begun: of the 2 voters that would be left 1 can be reached, ` +
          `and 2 are needed: start ${killed} again, or remove first what is lost for good`;
        await said(watched, (text) => text === refusal);
        assertEquals(await isBad(watched), true);
        const { members } = await (await fetch(`${httpBases[next]}/v1/cluster/members`)).json();
        assertEquals(members.map(({ id }: { readonly id: number }) => id), [0, 1, 2]);
        // The refusal itself stands in the console.
        assertNoErrors(errors.filter((text) => !text.includes("409")));
      })
    ),
);

testWith(
  [CHROMIUM],
  "dashboard: without a launcher it says what to type, shows the learner that came and how far it is, promotes and removes it",
  () =>
    withCluster({ nodes: 1 }, (cluster) =>
      withBrowser([], async (browser) => {
        const base = `http://127.0.0.1:${cluster.node(0).httpPort}`;
        const watched = await openPage(browser, DESKTOP);
        const { page, errors } = watched;
        await page.goto(base);
        await untilLevel(base);
        await byTestId(page, "add-node").click();
        const { clientPort, peerPort } = cluster.node(0);
        await untilText(
          page,
          "join-command",
          (text) => text.startsWith(`kvstore node --join 127.0.0.1:${clientPort}@${peerPort} --port `),
        );
        await byTestId(page, "join-command").waitFor();
        // In one turn, so that no frame of the node comes between.
        const nobody = await page.evaluate(`import("/assets/members.js").then(({ Members }) => {
          new Members({}, {}).refresh({ members: [], launcher: false });
          const hidden = ["join-how", "join-line", "join-note"].map((id) => document.getElementById(id).hidden);
          return [...hidden, document.getElementById("join-note").textContent];
        })`);
        assertEquals(nobody, [true, true, false, joinCommand([]).note]);

        await using newcomer = new Newcomer(cluster, { seed: 0, flags: ["--learner"] });
        const process = newcomer.start();
        const id = await newcomer.isMember(false);
        await untilText(page, `condition-${id}`, (text) => text === "learner");
        await untilText(page, `facts-${id}`, (text) => /^term \d+ · log \d+ · up to date$/.test(text));
        // What passes by itself is waited for, and told.
        const told: string[] = [];
        await page.route("**/promote", async (route) => {
          if (told.length > 0) return await route.continue();
          told.push("refused");
          const body = JSON.stringify({ detail: "Nothing was begun: in a moment", passing: true });
          await route.fulfill({ status: 409, contentType: "application/problem+json", body });
        });
        await byTestId(page, `promote-${id}`).click();
        await said(watched, (text) => text === `Node ${id}: Nothing was begun: in a moment (asking again)`);
        await said(watched, (text) => text === `Node ${id} has a vote now`);
        await untilText(page, `condition-${id}`, (text) => text === "follower");
        await byTestId(page, `promote-${id}`).waitFor({ state: "hidden" });

        await byTestId(page, `remove-${id}`).click();
        await byTestId(page, "confirm-yes").click();
        await said(watched, (text) => text === `Node ${id} is removed for good`);
        await byTestId(page, `node-${id}`).waitFor({ state: "detached" });
        assertEquals((await process.ended).code, 76);
        await byTestId(page, "remove-0").click();
        await byTestId(page, "confirm-yes").click();
        assertMatch(await said(watched, (text) => text.startsWith("Node 0: ")), /it is the last voter: add another/);
        assertNoErrors(errors.filter((text) => !text.includes("409")));
      })),
);

testWith(
  [CHROMIUM],
  "dashboard: a node is added with a click and becomes a voter, and removed with another it is gone with its process",
  () =>
    withLaunchedCluster(({ httpBases, process, ports }) =>
      withBrowser([], async (browser) => {
        const [base = ""] = httpBases;
        const watched = await openPage(browser, DESKTOP);
        const { page, errors } = watched;
        await page.goto(base);
        await untilLevel(base);
        await byTestId(page, "kill-2").waitFor();
        const free = (ports[2] ?? 0) + 1;
        const taken = Deno.listen({ hostname: "127.0.0.1", port: free });
        await byTestId(page, "add-node").click();
        await said(
          watched,
          (text) => text.startsWith(`No node was added: Port ${free} on 127.0.0.1 is already in use`),
        );
        assertEquals(await isBad(watched), true);
        taken.close();
        assertEquals(await byTestId(page, "join-hint").isVisible(), false);

        await byTestId(page, "add-node").click();
        await said(watched, (text) => text === "Node 3 has joined and has a vote");
        await untilText(page, "condition-3", (text) => text === "follower");
        await untilText(page, "headline-detail", (text) => text.startsWith("All 4 nodes answer."));
        const pid = await pidOf(base, 3);
        await byTestId(page, "remove-3").click();
        await byTestId(page, "confirm-yes").click();
        await said(watched, (text) => text === "Node 3 is removed for good");
        await byTestId(page, "node-3").waitFor({ state: "detached" });
        await process.line("node 3 exited with code 76 and is not started again: it was removed from the cluster");
        assertEquals([typeof pid, await isRunning(pid), await pidOf(base, 3)], ["number", false, null]);

        // One that stands still learns of it as well, and is no leftover that nobody can reach.
        await byTestId(page, "pause-1").click();
        await untilText(page, "condition-1", (text) => text === "paused");
        await byTestId(page, "remove-1").click();
        await byTestId(page, "confirm-yes").click();
        await process.line("node 1 exited with code 76");
        await byTestId(page, "node-1").waitFor({ state: "detached" });

        // No member answers the page of a node that was removed: it leads to that of another one.
        await byTestId(page, "add-node").click();
        await said(watched, (text) => text === "Node 4 has joined and has a vote");
        await byTestId(page, "remove-0").click();
        await byTestId(page, "confirm-yes").click();
        await process.line("node 0 exited with code 76");
        await page.waitForURL((url) => url.origin !== base);
        await said(watched, (text) => text === "Node 0 is removed for good");
        await untilText(page, "headline-detail", (text) => text.startsWith("All 2 nodes answer."));
        assertNoErrors(errors.filter((text) => !text.includes("409")));
      })
    ),
);

async function pidOf(base: string, id: number): Promise<number | null | undefined> {
  const { nodes } = await (await fetch(`${base}/v1/launcher`)).json();
  return nodes.find((node: { readonly id: number }) => node.id === id)?.pid;
}

async function isRunning(pid: number | null | undefined): Promise<boolean> {
  try {
    return (await Deno.stat(`/proc/${pid}`)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
