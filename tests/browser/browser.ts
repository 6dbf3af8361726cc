/** Debian's Chromium, driven by Playwright. */

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { assertEquals } from "@std/assert";
import { waitFor } from "../support/wait.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
const TIMEOUT_MS = 15_000;

/** How a context is opened. */
export interface View {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
  /** Believes any certificate: Chromium takes no further CA but into the certificates of its user. */
  readonly believesAll?: boolean;
  /** Runs no scripts. */
  readonly withoutScripts?: boolean;
}

/** A desktop in daylight. */
export const DESKTOP: View = { width: 1_280, height: 1_000, colorScheme: "light" };

/** Runs `body` with a browser; further arguments are for Chromium. */
export async function withBrowser(args: readonly string[], body: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox", ...args] });
  try {
    await body(browser);
  } finally {
    await browser.close();
  }
}

function findChromium(): string {
  for (const path of CHROMIUM) {
    try {
      Deno.statSync(path);
      return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`Cannot find Chromium at ${CHROMIUM.join(" or ")}: apt-get install chromium`);
}

/** A page and everything that went wrong on it. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console and uncaught exceptions. */
  readonly errors: string[];
}

/** Opens a page in a context of its own. */
export async function openPage(
  browser: Browser,
  { width, height, colorScheme, believesAll = false, withoutScripts = false }: View,
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    ignoreHTTPSErrors: believesAll,
    javaScriptEnabled: !withoutScripts,
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  return { page, context, errors };
}

/** The element with that `data-testid`. */
export function byTestId(page: Page, id: string): ReturnType<Page["locator"]> {
  return page.locator(`[data-testid="${id}"]`);
}

/** Waits until the text of an element is as it should be. */
export async function untilText(page: Page, id: string, isRight: (text: string) => boolean): Promise<string> {
  return await waitFor(async () => {
    const text = await byTestId(page, id).textContent() ?? "";
    return isRight(text) ? text : undefined;
  }, { what: `the text of ${id}`, timeoutMs: TIMEOUT_MS });
}

/** Waits until an attribute of an element is as it should be. */
export async function untilAttribute(
  page: Page,
  { id, name, value }: { readonly id: string; readonly name: string; readonly value: string },
): Promise<void> {
  await waitFor(async () => await byTestId(page, id).getAttribute(name) === value || undefined, {
    what: `${name} of ${id} to be ${value}`,
    timeoutMs: TIMEOUT_MS,
  });
}

/** Where screenshots go: the directory that `KVSTORE_SCREENSHOTS` names, or a temporary one, which is told. */
export function screenshotDirectory(): string {
  const named = Deno.env.get("KVSTORE_SCREENSHOTS");
  if (named === undefined) return Deno.makeTempDirSync({ prefix: "kvstore-screenshots-" });
  Deno.mkdirSync(named, { recursive: true });
  return named;
}

/** The console has no errors but those of connections that ended because a node was killed. */
export function assertNoErrors(errors: readonly string[]): void {
  const others = errors.filter((text) =>
    !/net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)/
      .test(text)
  );
  assertEquals(others, []);
}
