/** What the pages tell people to type, typed: each page from its first command to its last, against real processes. */

import { assertEquals } from "@std/assert";
import { CURL, MOUNTS, NC, REDIS_CLI, REDIS_SERVER, SETSID, testWith } from "../support/needs.ts";
import { readAllPages } from "./all_pages.ts";
import { runPage } from "./run_page.ts";

for (const { path, markdown, plan } of readAllPages()) {
  if (plan.steps.length === 0) continue;
  const redis = plan.runsRedis ? [REDIS_SERVER, REDIS_CLI] : [];
  const needs = [SETSID, CURL, NC, ...(plan.mounts ? [MOUNTS] : []), ...redis];
  testWith(needs, `the commands of ${path} do what it says`, async () => {
    assertEquals(plan.mistakes, []);
    await runPage({ name: path, markdown });
  });
}
