/** How the dashboard finds a node that answers, with a browser of paper around it. */

import { assertEquals } from "@std/assert";
import { Connection } from "../../../lib/dashboard/assets/connection.js";

const [A, B, C] = ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"];

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

/** The globals of a browser that the connection uses. */
class PaperBrowser {
  readonly opened: string[] = [];
  readonly states: string[] = [];
  /** Pages that were opened in the place of this one. */
  readonly left: string[] = [];
  /** What `/v1/login` says. */
  readonly account = { isNeeded: false, isOut: false, refresh: () => Promise.resolve() };
  source: { onmessage?: (event: { readonly data: string }) => void; onerror?: () => void } = {};
  #nowMs = 0;
  #timersMade = 0;
  readonly #timers = new Map<number, Timer>();
  readonly #kept = new Map<string, string>();

  globals(origin: string): Readonly<Record<string, unknown>> {
    const { opened } = this;
    const take = (source: PaperBrowser["source"]) => this.source = source;
    return {
      location: Object.assign(new URL(origin), { assign: (url: string) => this.left.push(url) }),
      sessionStorage: {
        getItem: (name: string) => this.#kept.get(name) ?? null,
        setItem: (name: string, value: string) => this.#kept.set(name, value),
      },
      EventSource: class {
        onmessage?: () => void;
        onerror?: () => void;
        constructor(url: string) {
          opened.push(url.replace("/v1/live", ""));
          take(this);
        }
        close(): void {}
      },
      setTimeout: (action: () => void, delayMs: number) => {
        const id = ++this.#timersMade;
        this.#timers.set(id, { at: this.#nowMs + delayMs, action });
        return id;
      },
      clearTimeout: (id: number) => this.#timers.delete(id),
    };
  }

  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const due = Array.from(this.#timers).filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [id, { at, action }] = due;
      this.#timers.delete(id);
      this.#nowMs = at;
      action();
    }
    this.#nowMs = end;
  }

  /** A frame of three members; of those in `away` the address is not known. */
  frame(away: readonly string[] = []): void {
    const members = [A, B, C].map((origin, id) => {
      return { id, http_address: away.includes(origin) ? "" : origin.replace("http://", "") };
    });
    this.source.onmessage?.({ data: JSON.stringify({ token: "t", members }) });
  }

  fail(): void {
    this.source.onerror?.();
    this.advance(400);
  }
}

function withBrowser(
  origin: string,
  body: (browser: PaperBrowser, connection: Connection) => void | Promise<void>,
): void | Promise<void> {
  const browser = new PaperBrowser();
  const before = new Map<string, PropertyDescriptor | undefined>();
  for (const [name, value] of Object.entries(browser.globals(origin))) {
    before.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const restore = () => {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
    }
  };
  const onState = ({ state }: { readonly state: string }) => browser.states.push(state);
  const run = () => body(browser, new Connection({ account: browser.account, onFrame: () => {}, onState }));
  try {
    const done = run();
    if (done instanceof Promise) return done.finally(restore);
  } catch (error) {
    restore();
    throw error;
  }
  restore();
}

/** Lets what waits for the account go on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

Deno.test("dashboard connection: one that ends is opened again, then the other members are tried", () =>
  withBrowser(A, (browser) => {
    browser.frame();
    for (let count = 0; count < 3; count++) browser.fail();
    assertEquals(browser.opened, [A, A, B, C]);
    browser.frame();
    assertEquals(browser.states, ["live", "reconnecting", "reconnecting", "reconnecting", "live"]);
    browser.fail();
    assertEquals(browser.opened.at(-1), C);
  }));

Deno.test("dashboard connection: a node that hangs is left at once", () =>
  withBrowser(A, (browser) => {
    browser.frame();
    browser.advance(3_000);
    browser.frame();
    browser.advance(3_000);
    assertEquals(browser.opened, [A]);
    browser.advance(1_000);
    assertEquals(browser.opened, [A, B]);
  }));

Deno.test("dashboard connection: when no node answers the page says so until one does", () =>
  withBrowser(A, (browser) => {
    browser.frame();
    for (let count = 0; count < 10; count++) browser.fail();
    assertEquals(new Set(browser.opened), new Set([A, B, C]));
    assertEquals(browser.states.slice(0, 6), ["live", "reconnecting", "reconnecting", "reconnecting", "gone", "gone"]);
    assertEquals(browser.states.at(-1), "gone");
    browser.frame();
    assertEquals(browser.states.at(-1), "live");
  }));

Deno.test("dashboard connection: a page that was opened as localhost goes on as localhost", () =>
  withBrowser("http://localhost:1", (browser) => {
    browser.frame();
    browser.fail();
    browser.fail();
    assertEquals(browser.opened, ["http://localhost:1", "http://localhost:1", "http://localhost:2"]);
  }));

Deno.test("dashboard connection: the address of a member that is away is remembered", () =>
  withBrowser(A, (browser) => {
    browser.frame();
    browser.frame([A, B]);
    for (let count = 0; count < 3; count++) browser.fail();
    assertEquals(browser.opened, [A, A, B, C]);
  }));

Deno.test("dashboard connection: a page that is loaded from a node alone keeps asking it", () =>
  withBrowser(A, (browser) => {
    browser.fail();
    browser.fail();
    assertEquals([browser.opened, browser.states], [[A, A, A], ["gone", "gone"]]);
  }));

Deno.test("dashboard connection: where users log in it stays with its node, and asks again; others are opened in their own pages", () =>
  withBrowser(A, async (browser, connection) => {
    browser.account.isNeeded = true;
    browser.frame();
    for (let count = 0; count < 3; count++) {
      browser.fail();
      await settled();
      browser.advance(400);
    }
    assertEquals([browser.opened, browser.states.at(-1)], [[A, A, A, A], "left"]);
    assertEquals(connection.others.map(({ origin }: { readonly origin: string }) => origin), [B, C]);
    connection.follow(1);
    assertEquals([browser.left, browser.opened.at(-1)], [[`${B}/`], A]);
  }));

Deno.test("dashboard connection: a login that has ended is not taken for a node that is gone, and nothing is asked any more", () =>
  withBrowser(A, async (browser) => {
    browser.account.isNeeded = true;
    browser.frame();
    browser.account.isOut = true;
    browser.fail();
    await settled();
    browser.advance(10_000);
    assertEquals([browser.opened, browser.states], [[A], ["live", "out"]]);
  }));

Deno.test("dashboard connection: the page of a cluster that gets its first user ends", () =>
  withBrowser(A, async (browser) => {
    browser.frame();
    browser.account.refresh = () => {
      Object.assign(browser.account, { isNeeded: true, isOut: true });
      return Promise.resolve();
    };
    browser.fail();
    await settled();
    browser.advance(10_000);
    assertEquals(browser.states.at(-1), "out");
    assertEquals(browser.opened.length <= 2, true, browser.opened.join(" "));
  }));
