/** Pages of other origins can neither read nor change anything, whatever they try. */

import type { Page } from "playwright-core";
import { assert, assertEquals } from "@std/assert";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { DESKTOP, openPage, withBrowser } from "./browser.ts";
import { CHROMIUM, testWith } from "../support/needs.ts";

const SECRET = "the-secret-value";

/** What the hostile page does, each attempt by its name; each resolves to what it could read, or throws. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  "fetch": "fetch(base + '/v1/kv/secret').then((r) => r.text())",
  "fetch with credentials": "fetch(base + '/v1/kv/secret', { credentials: 'include' }).then((r) => r.text())",
  "fetch without a reply to read": "fetch(base + '/v1/kv/secret', { mode: 'no-cors' }).then((r) => r.text())",
  "simple POST": "fetch(base + '/v1/txn', { method: 'POST', mode: 'no-cors', body: WRITE }).then((r) => r.text())",
  "POST with credentials":
    "fetch(base + '/v1/txn', { method: 'POST', credentials: 'include', body: WRITE }).then((r) => r.text())",
  "PUT": "fetch(base + '/v1/kv/secret', { method: 'PUT', body: 'overwritten' }).then((r) => r.text())",
  "DELETE": "fetch(base + '/v1/kv/secret', { method: 'DELETE' }).then((r) => r.text())",
  "with a guessed token":
    "fetch(base + '/v1/kv/secret', { method: 'PUT', headers: { 'X-KV-Token': '0'.repeat(32) }, body: 'x' }).then((r) => r.text())",
  "kill": "fetch(base + '/v1/launcher/nodes/1/kill', { method: 'POST', mode: 'no-cors' }).then((r) => r.text())",
  "leadership":
    "fetch(base + '/v1/cluster/leader', { method: 'POST', mode: 'no-cors', body: '{}' }).then((r) => r.text())",
  "token": "fetch(base + '/v1/live').then((r) => r.text())",
  "events":
    "new Promise((resolve, reject) => { const s = new EventSource(base + '/v1/events?snapshot=1'); s.onmessage = (e) => resolve(e.data); s.onopen = () => resolve('open'); s.onerror = reject; })",
  "WebSocket":
    "new Promise((resolve, reject) => { const s = new WebSocket(base.replace('http', 'ws') + '/v1/kv/secret'); s.onopen = () => resolve('open'); s.onerror = reject; })",
  "image":
    "new Promise((resolve, reject) => { const i = new Image(); i.onload = () => resolve('loaded'); i.onerror = reject; i.src = base + '/assets/icon.svg'; })",
  "script":
    "new Promise((resolve, reject) => { const s = document.createElement('script'); s.onload = () => resolve('loaded'); s.onerror = reject; s.src = base + '/assets/format.js'; document.body.append(s); })",
  "style":
    "new Promise((resolve, reject) => { const l = document.createElement('link'); l.rel = 'stylesheet'; l.onload = () => resolve('loaded'); l.onerror = reject; l.href = base + '/assets/style.css'; document.body.append(l); })",
  "frame":
    "new Promise((resolve) => { const f = document.createElement('iframe'); f.onload = () => { try { resolve(f.contentDocument.body.textContent); } catch { resolve(''); } }; f.src = base + '/'; document.body.append(f); })",
  "form":
    "new Promise((resolve) => { const f = document.createElement('iframe'); f.name = 'hole'; document.body.append(f); const form = document.createElement('form'); form.method = 'POST'; form.enctype = 'text/plain'; form.target = 'hole'; form.action = base + '/v1/txn'; const i = document.createElement('input'); i.name = '{\"then\":[{\"delete\":{\"key\":\"secret\"}}],\"compare\":[],\"else\":[]}//'; form.append(i); document.body.append(form); f.onload = () => resolve(''); form.submit(); })",
  "beacon": "Promise.resolve(navigator.sendBeacon(base + '/v1/txn', WRITE) ? '' : '')",
};

const WRITE = '{"then":[{"put":{"key":"secret","value":"overwritten"}},{"put":{"key":"planted","value":"x"}}]}';

/** Serves an empty page under any name. */
function serveForeign(): { readonly port: number; stop(): Promise<void> } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      new Response("<!doctype html><title>foreign</title><body></body>", { headers: { "content-type": "text/html" } }),
  );
  return { port: server.addr.port, stop: () => server.shutdown() };
}

async function termOf(httpBases: readonly string[]): Promise<number> {
  return (await (await fetch(`${httpBases[0]}/v1/cluster`)).json()).term;
}

/** Nobody was killed, nobody else was made to lead since `term`, and no key was changed. */
async function assertUntouched(httpBases: readonly string[], term: number): Promise<void> {
  const [base = ""] = httpBases;
  assertEquals(await (await fetch(`${base}/v1/kv/secret`)).text(), SECRET);
  const { items } = await (await fetch(`${base}/v1/kv`)).json();
  assertEquals(items.map(({ key }: { readonly key: string }) => key), ["secret"]);
  const { nodes } = await (await fetch(`${base}/v1/launcher`)).json();
  assertEquals(nodes.map(({ state }: { readonly state: string }) => state), ["Running", "Running", "Running"]);
  assertEquals(await termOf(httpBases), term);
}

/** Attempts that succeed on a page of a node's own: what is tried can be done, and it is the origin that it fails for. */
const ALLOWED_AT_HOME: Readonly<Record<string, string>> = {
  "fetch": SECRET,
  "events": "open",
  "image": "loaded",
  "script": "loaded",
  "style": "loaded",
};

/** What an attempt on the page could read; "" when it failed. */
async function attempt(page: Page, { code, base }: { readonly code: string; readonly base: string }): Promise<string> {
  return await page.evaluate(
    `(async () => { const base = ${JSON.stringify(base)}; const WRITE = ${JSON.stringify(WRITE)};
      try { return String(await Promise.race([${code}, new Promise((_, no) => setTimeout(no, 4000))])); } catch { return ""; } })()`,
  );
}

testWith(
  [CHROMIUM],
  "a page of a node's own can do what a foreign one cannot",
  () =>
    withLaunchedCluster(async ({ httpBases }) => {
      const [base = ""] = httpBases;
      assertEquals((await fetch(`${base}/v1/kv/secret`, { method: "PUT", body: SECRET })).status, 201);
      await withBrowser([], async (browser) => {
        const { page } = await openPage(browser, DESKTOP);
        await page.goto(base);
        for (const [name, wanted] of Object.entries(ALLOWED_AT_HOME)) {
          assertEquals(await attempt(page, { code: ATTEMPTS[name] ?? "", base }), wanted, name);
        }
      });
    }),
);

/** Runs every attempt on a page of `origin` against `base`; nothing may be read. */
async function attack(
  origin: string,
  { bases, args }: { readonly bases: readonly string[]; readonly args: readonly string[] },
): Promise<void> {
  await withBrowser(args, async (browser) => {
    const { page } = await openPage(browser, DESKTOP);
    await page.goto(origin);
    for (const base of bases) {
      for (const [name, code] of Object.entries(ATTEMPTS)) {
        assertEquals(await attempt(page, { code, base }), "", `${name} from ${origin} to ${base}`);
      }
    }
  });
}

testWith(
  [CHROMIUM],
  "a page of another port or host neither reads nor changes anything",
  () =>
    withLaunchedCluster(async ({ httpBases }) => {
      const [base = ""] = httpBases;
      assertEquals((await fetch(`${base}/v1/kv/secret`, { method: "PUT", body: SECRET })).status, 201);
      const term = await termOf(httpBases);
      const foreign = serveForeign();
      try {
        const local = base.replace("127.0.0.1", "localhost");
        await attack(`http://127.0.0.1:${foreign.port}/`, { bases: [base, local], args: [] });
        await attack(`http://evil.test:${foreign.port}/`, {
          bases: [base],
          args: ["--host-resolver-rules=MAP evil.test 127.0.0.1", "--disable-features=LocalNetworkAccessChecks"],
        });
        await assertUntouched(httpBases, term);
      } finally {
        await foreign.stop();
      }
    }),
);

testWith(
  [CHROMIUM],
  "a name that was made to lead here is no way in",
  () =>
    withLaunchedCluster(async ({ httpBases }) => {
      const [base = ""] = httpBases;
      assertEquals((await fetch(`${base}/v1/kv/secret`, { method: "PUT", body: SECRET })).status, 201);
      const term = await termOf(httpBases);
      const port = new URL(base).port;
      await withBrowser(["--host-resolver-rules=MAP evil.test 127.0.0.1"], async (browser) => {
        const { page } = await openPage(browser, DESKTOP);
        // To the browser this is one origin: only the name in Host tells.
        const own = `http://evil.test:${port}`;
        const opened = await page.goto(`${own}/`);
        assertEquals(opened?.status(), 403);
        for (const path of ["/v1/kv/secret", "/v1/live", "/v1/kv", "/metrics", "/openapi.json"]) {
          const seen = await page.evaluate(
            `fetch(${JSON.stringify(own + path)}).then(async (r) => [r.status, await r.text()])`,
          ) as [number, string];
          assertEquals(seen[0], 403, path);
          assert(!seen[1].includes(SECRET) && !seen[1].includes('token":'), seen[1]);
        }
        for (const [method, path] of [["PUT", "/v1/kv/secret"], ["POST", "/v1/launcher/nodes/1/kill"]]) {
          const status = await page.evaluate(
            `fetch(${JSON.stringify(own + path)}, { method: "${method}", body: "x" }).then((r) => r.status)`,
          );
          assertEquals(status, 403, path);
        }
      });
      await assertUntouched(httpBases, term);
    }),
);

Deno.test("HTTP requests to the client port do nothing", () =>
  withLaunchedCluster(async ({ httpBases, ports }) => {
    const [base = ""] = httpBases;
    const [port = 0] = ports;
    assertEquals((await fetch(`${base}/v1/kv/secret`, { method: "PUT", body: SECRET })).status, 201);
    const term = await termOf(httpBases);
    const foreign = serveForeign();
    try {
      await withBrowser([], async (browser) => {
        const { page } = await openPage(browser, DESKTOP);
        await page.goto(`http://127.0.0.1:${foreign.port}/`);
        const lines =
          "\r\nSET secret x\r\nPUT secret x\r\nPUT planted x\r\n*3\r\n$3\r\nSET\r\n$6\r\nsecret\r\n$1\r\nx\r\n";
        for (const method of ["GET", "POST"]) {
          const options = method === "GET"
            ? "{ mode: 'no-cors' }"
            : `{ method: 'POST', mode: 'no-cors', body: ${JSON.stringify(lines)} }`;
          await page.evaluate(`fetch("http://127.0.0.1:${port}/PUT planted x", ${options}).catch(() => undefined)`);
        }
      });
      await assertUntouched(httpBases, term);
    } finally {
      await foreign.stop();
    }
  }));
