/** The login page in a real browser: in and out, without scripts, over TLS, at several nodes of one host, and tried by pages of others. */

import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { whyNotHere } from "../e2e/support/tls_node.ts";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { CHROMIUM, SERVER_TLS, testWith } from "../support/needs.ts";
import { waitUntilFree } from "../support/ports.ts";
import { withCluster } from "../support/process_cluster.ts";
import { DEADLINE_MS, waitFor } from "../support/wait.ts";
import {
  byTestId,
  DESKTOP,
  openPage,
  screenshotDirectory,
  untilAttribute,
  untilText,
  type Watched,
  withBrowser,
} from "./browser.ts";

const PASSWORD = "correct horse battery";

/** Makes users by way of a node that has none yet: an administrator, and one without rights. */
async function makeUsers(base: string, client?: Deno.HttpClient): Promise<void> {
  const authorization = `Basic ${btoa(`root:${PASSWORD}`)}`;
  for (const [name, headers] of [["root", {}], ["alice", { authorization }]] as const) {
    const options = { method: "PUT", body: JSON.stringify({ password: PASSWORD }), headers };
    await waitFor(async () => {
      const reply = await fetch(`${base}/v1/users/${name}`, client === undefined ? options : { ...options, client });
      const text = await reply.text();
      // Members have yet to hear of each other that they know of users.
      if (reply.status !== 503) assertEquals(reply.status, 200, text);
      return reply.status === 200 || undefined;
    }, { what: `user ${name}` });
  }
}

async function logIn(page: Page, { user = "root", password = PASSWORD } = {}): Promise<void> {
  await byTestId(page, "login-user").fill(user);
  await byTestId(page, "login-password").fill(password);
  await byTestId(page, "login-submit").click();
}

async function untilLive(page: Page): Promise<void> {
  await untilAttribute(page, { id: "connection", name: "data-state", value: "live" });
}

/** The replies that would have a browser ask for a password in a window of its own. */
function promptsOf({ context }: Watched): readonly string[] {
  const prompts: string[] = [];
  context.on("response", (response) => {
    if (response.headers()["www-authenticate"]?.startsWith("Basic") === true) prompts.push(response.url());
  });
  return prompts;
}

testWith(
  [CHROMIUM],
  "login: a person comes in at each node of a host by itself, changes a key, is told when the login ends, and of a restart",
  () =>
    withCluster({}, async (cluster) => {
      const bases = cluster.nodes.map(({ httpPort }) => `http://127.0.0.1:${httpPort}`);
      const [base = "", other = ""] = bases;
      await makeUsers(base);
      await withBrowser([], async (browser) => {
        const watched = await openPage(browser, DESKTOP);
        const { page } = watched;
        const prompts = promptsOf(watched);
        assertEquals((await page.goto(`${base}/`))?.status(), 401);
        await checkLoginPage(page);
        await logIn(page, { password: "wrong horse battery" });
        await untilText(page, "login-wrong", (text) => text === "Wrong user or password.");
        await checkLook(page, "login-wrong");
        assertEquals(await byTestId(page, "login-user").inputValue(), "root");
        assertEquals(await page.evaluate("document.activeElement.id"), "password");
        // Enter in the field is enough.
        await page.keyboard.type(PASSWORD);
        await page.keyboard.press("Enter");
        await untilLive(page);
        assertEquals(new URL(page.url()).pathname, "/");
        await untilText(page, "account-user", (text) => text === "root");
        await byTestId(page, "new-key").click();
        await byTestId(page, "editor-key").fill("greeting");
        await byTestId(page, "value-editor").fill("by cookie");
        await byTestId(page, "value-save").click();
        await page.locator('[data-testid="key-row"][data-key="greeting"]').waitFor();
        await byTestId(page, "watch-1").click();
        await page.waitForURL(`${other}/`);
        await logIn(page);
        await untilText(page, "connection", (text) => text === "Live from node 1");
        // The cookie of one node has not taken the place of the other's.
        await page.goto(`${base}/`);
        await untilText(page, "connection", (text) => text === "Live from node 0");
        await logOutElsewhere(watched, base);
        await logIn(page);
        await untilLive(page);
        await cluster.kill(0);
        await untilAttribute(page, { id: "connection", name: "data-state", value: "left" });
        await untilText(page, "headline-links", (text) => /node 1.*node 2/.test(text));
        await waitUntilFree(cluster.node(0).httpPort, DEADLINE_MS);
        cluster.launch(0);
        await untilAttribute(page, { id: "connection", name: "data-state", value: "out" });
        await page.goto(`${other}/`);
        await untilText(page, "connection", (text) => text === "Live from node 1");
        assertEquals(prompts, []);
      });
    }),
);

/** What a person sees who has to log in: labels, focus, and names for password managers. */
async function checkLoginPage(page: Page): Promise<void> {
  await checkLook(page, "login");
  assertEquals(await page.title(), "Log in · KVStore");
  assertEquals(await page.evaluate("document.activeElement.id"), "user");
  assertEquals(await page.getByLabel("User").getAttribute("autocomplete"), "username");
  assertEquals(await page.getByLabel("Password").getAttribute("autocomplete"), "current-password");
  // The style has come: nothing else is open to who has not logged in.
  assertEquals(await page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth"), "420px");
}

/** A picture, and what axe finds. */
async function checkLook(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${screenshotDirectory()}/${name}.png` });
  await page.evaluate(axe.source);
  const found = await page.evaluate("axe.run()") as axe.AxeResults;
  assertEquals(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
}

/** Logs out in another window, which this page hears of, and goes on to the login page. */
async function logOutElsewhere({ page, context }: Watched, base: string): Promise<void> {
  const second = await context.newPage();
  await second.goto(`${base}/`);
  await untilLive(second);
  await byTestId(second, "log-out").click();
  await byTestId(second, "login-user").waitFor();
  await second.close();
  await untilText(page, "headline-title", (text) => text === "Logged out");
  await byTestId(page, "headline-links").getByText("Log in").click();
  await byTestId(page, "login-user").waitFor();
}

testWith(
  [CHROMIUM],
  "login: it works without scripts, and who is no administrator hears so and can log out",
  () =>
    withCluster({ nodes: 1 }, async (cluster) => {
      const base = `http://127.0.0.1:${cluster.node(0).httpPort}`;
      await makeUsers(base);
      await withBrowser([], async (browser) => {
        const { page } = await openPage(browser, { ...DESKTOP, withoutScripts: true });
        await page.goto(`${base}/metrics`);
        await logIn(page, { user: "alice", password: "wrong horse battery" });
        await untilText(page, "login-wrong", (text) => text === "Wrong user or password.");
        await logIn(page, { user: "alice" });
        await untilText(page, "login-forbidden", (text) => text.includes("alice, who is no administrator"));
        await byTestId(page, "log-out").click();
        await byTestId(page, "login-user").waitFor();
        await logIn(page);
        await byTestId(page, "connection").waitFor();
      });
    }),
);

testWith(
  [CHROMIUM],
  "login: pages of other origins log nobody in or out, and the cookie is not theirs; behind a link from there the page opens",
  () =>
    withCluster({ nodes: 1 }, async (cluster) => {
      const { httpPort } = cluster.node(0);
      const base = `http://127.0.0.1:${httpPort}`;
      await makeUsers(base);
      const foreign = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        () => new Response(foreignPage(base), { headers: { "content-type": "text/html" } }),
      );
      try {
        await withBrowser([], (browser) => attack(browser, { base, port: foreign.addr.port }));
      } finally {
        await foreign.shutdown();
      }
    }),
);

/** Forms that log in and out, and a link. */
function foreignPage(base: string): string {
  return `<!doctype html><title>foreign</title><a id="link" href="${base}/">link</a>
    <form id="in" method="post" action="${base}/login"><input name="user" value="alice"><input name="password" value="${PASSWORD}"></form>
    <form id="out" method="post" action="${base}/logout"></form>`;
}

async function attack(
  browser: Browser,
  { base, port }: { readonly base: string; readonly port: number },
): Promise<void> {
  const { page, context } = await openPage(browser, DESKTOP);
  const send = async (from: string, form: string) => {
    await page.goto(from);
    const [reply] = await Promise.all([
      page.waitForNavigation(),
      page.evaluate(`document.getElementById("${form}").submit()`),
    ]);
    assertEquals(new URL(page.url()).origin, base);
    return reply?.status();
  };
  // The same site for browsers, which send cookies along, and another one.
  const origins = [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`];
  for (const origin of origins) assertEquals(await send(origin, "in"), 403, origin);
  assertEquals(await context.cookies(), []);
  await page.goto(`${base}/`);
  await logIn(page);
  await untilLive(page);
  const [cookie] = await context.cookies();
  assertEquals([cookie?.httpOnly, cookie?.sameSite, cookie?.secure, cookie?.path], [true, "Strict", false, "/"]);
  assertEquals(await page.evaluate("document.cookie"), "");
  for (const origin of origins) {
    assertEquals(await send(origin, "out"), 403, origin);
    await page.goto(origin);
    for (const path of ["/v1/live", "/v1/kv", "/v1/login"]) {
      const read = await page.evaluate(
        `fetch("${base}${path}", { credentials: "include" }).then((r) => r.text()).catch(() => "")`,
      );
      assertEquals(read, "", `${path} from ${origin}`);
    }
    await page.locator("#link").click();
    await untilLive(page);
  }
}

testWith(
  [CHROMIUM, SERVER_TLS],
  "login: over HTTPS the cookie is for HTTPS alone, opens the page and its stream, and is gone at log out",
  async () => {
    // The program may be an executable of an older runtime, of which tests/e2e/cluster_tls_test.ts asks what it says.
    if (await whyNotHere() !== undefined) return void await assertRejects(() => withLaunchedCluster(nothing, TLS));
    await withLaunchedCluster(async ({ httpBases: [base = ""], directory }) => {
      using client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(`${directory}/tls/ca.pem`)] });
      await makeUsers(base, client);
      await withBrowser([], (browser) => useOverHttps(browser, base));
    }, TLS);
  },
);

const TLS = { flags: ["--tls"] };

function nothing(): Promise<void> {
  return Promise.resolve();
}

async function useOverHttps(browser: Browser, base: string): Promise<void> {
  const watched = await openPage(browser, { ...DESKTOP, believesAll: true });
  const { page, context } = watched;
  const prompts = promptsOf(watched);
  await page.goto(`${base}/`);
  await logIn(page);
  await untilLive(page);
  const [cookie, ...others] = await context.cookies();
  assertEquals(others, []);
  assertEquals(cookie?.name, `__Host-kvstore-${new URL(base).port}`);
  assertEquals([cookie?.httpOnly, cookie?.sameSite, cookie?.secure, cookie?.path], [true, "Strict", true, "/"]);
  assert((cookie?.value.length ?? 0) === 43);
  await byTestId(page, "log-out").click();
  await byTestId(page, "login-user").waitFor();
  assertEquals(await context.cookies(), []);
  assertEquals(prompts, []);
}
