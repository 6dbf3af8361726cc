/** Starts the load generators that are processes of ours and answer with one line of JSON. */

import { fromFileUrl } from "@std/path";
import type { LoadPlan, LoadResult } from "../../support/load.ts";
import { unwatch, watch } from "../servers/server.ts";
import type { HttpPlan, HttpResult } from "./http_loader.ts";

const HTTP = fromFileUrl(new URL("./http_loader.ts", import.meta.url));
const LINES = fromFileUrl(new URL("../../support/load_generator.ts", import.meta.url));

/** Requests over HTTP. */
export async function runHttp(plan: HttpPlan): Promise<HttpResult> {
  return await generate(HTTP, plan);
}

/** Requests that are answered with one line each: the text protocol, or SET in Redis's protocol. */
export async function runLines(plan: LoadPlan): Promise<LoadResult> {
  return await generate(LINES, plan);
}

async function generate<Result>(program: string, plan: unknown): Promise<Result> {
  const args = ["run", "--quiet", "-A", program, JSON.stringify(plan)];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  const owner = { pids: () => [child.pid] };
  watch(owner);
  try {
    const { code, stdout } = await child.output();
    if (code !== 0) throw new Error(`The load generator ended with exit code ${code}`);
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    unwatch(owner);
  }
}
