/** The exit codes: as documented, and what starts a node again goes by them. */

import { assertEquals } from "@std/assert";
import { FINAL_EXIT_CODES } from "../../../lib/cluster/supervisor.ts";
import { EXIT_CODE_TEXTS } from "../../../lib/cli/command_texts.ts";
import { EXIT } from "../../../lib/cli/failures.ts";
import { readAsset } from "../../../lib/observe/asset_files.ts";

Deno.test("help and docs/command-line.md have every exit code, and no other", () => {
  assertEquals(EXIT_CODE_TEXTS.map(([code]) => code), Object.values(EXIT));
});

Deno.test("the service for systemd starts a node again after the same exit codes as the launcher", async () => {
  const unit = await readAsset("systemd/kvstore.service");
  const [, codes = ""] = /^RestartPreventExitStatus=(.*)$/m.exec(unit) ?? [];
  assertEquals(codes.split(" ").map(Number), FINAL_EXIT_CODES);
  const { usage, corrupt, diskFailed, removed, otherVersion, memoryLimit } = EXIT;
  assertEquals(FINAL_EXIT_CODES, [usage, corrupt, diskFailed, removed, otherVersion, memoryLimit]);
});
