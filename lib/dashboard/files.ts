/** The files of the dashboard; `deno compile --include` puts them into the executable. */

import { bytesToString, textToByteString } from "../base/bytes.ts";

/** One file, ready to be sent. */
export interface DashboardFile {
  readonly contentType: string;
  /** Byte string. */
  readonly body: string;
  /** Of its contents. */
  readonly tag: string;
}

/** Media type of the page. */
export const PAGE_TYPE = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";

/** The modules of the page. */
const MODULES = [
  "main",
  "account",
  "bytes_view",
  "cards",
  "charts",
  "condition",
  "connection",
  "controls",
  "dialog",
  "diff",
  "editor",
]
  .concat(
    "events",
    "format",
    "history",
    "join_command",
    "keys",
    "members",
    "parts",
    "past",
    "topology",
    "value_reader",
    "values",
  );

/** Where each file is, by the name under which it is served, and its type. */
const FILES: ReadonlyMap<string, { readonly contentType: string; readonly read: () => Promise<string> }> = new Map([
  ["index.html", own("index.html", PAGE_TYPE)],
  ["style.css", own("style.css", STYLE)],
  ["icon.svg", own("icon.svg", "image/svg+xml")],
  ...MODULES.map((name) => [`${name}.js`, own(`${name}.js`, SCRIPT)] as const),
  ["uplot.js", { contentType: SCRIPT, read: readCharts }],
  ["uplot.css", { contentType: STYLE, read: () => readChartFile("dist/uPlot.min.css") }],
]);

const loaded = new Map<string, Promise<DashboardFile>>();

/** The names under which files are served. */
export const DASHBOARD_FILES: readonly string[] = Array.from(FILES.keys());

/** The media types of the files. */
export const DASHBOARD_TYPES: readonly string[] = [...new Set(Array.from(FILES.values(), (file) => file.contentType))];

/** A file, read at its first use; undefined for a name that is not served. */
export function dashboardFile(name: string): Promise<DashboardFile> | undefined {
  const entry = FILES.get(name);
  if (entry === undefined) return undefined;
  const known = loaded.get(name) ?? load(entry);
  loaded.set(name, known);
  return known;
}

async function load(
  { contentType, read }: { readonly contentType: string; readonly read: () => Promise<string> },
): Promise<DashboardFile> {
  const text = await read();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const tag = btoa(bytesToString(new Uint8Array(digest))).slice(0, 16);
  return { contentType, body: textToByteString(text), tag: `"${tag}"` };
}

function own(
  name: string,
  contentType: string,
): { readonly contentType: string; readonly read: () => Promise<string> } {
  return { contentType, read: () => Deno.readTextFile(new URL(`./assets/${name}`, import.meta.url)) };
}

/** Its license wants to go wherever it goes. */
async function readCharts(): Promise<string> {
  const [license, script] = await Promise.all(["LICENSE", "dist/uPlot.iife.min.js"].map(readChartFile));
  return `/*!\n${license}\n*/\n${script}`;
}

/** Importing it is what makes Deno fetch the package and `deno compile` take it along; what it exports is for browsers. */
async function readChartFile(name: string): Promise<string> {
  await import("uplot");
  return await Deno.readTextFile(new URL(import.meta.resolve(`uplot/${name}`)));
}
