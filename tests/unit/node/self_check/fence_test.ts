/** What a node says of its fence, which is no quarantine yet. */

import { assertEquals } from "@std/assert";
import { Quarantine } from "../../../../lib/node/self_check/quarantine.ts";
import { Registry } from "../../../../lib/observe/metrics.ts";
import { QuarantineFile } from "../../../../lib/storage/quarantine_file.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";

function quarantine(said: string[]): Quarantine {
  return new Quarantine({
    file: new QuarantineFile(new MemoryDisk(), "/data"),
    inbox: { put: () => {} },
    lifetime: {
      fail: (error) => {
        throw error;
      },
    },
    metrics: new Registry(),
    log: (_level, message) => said.push(message),
    wallClockMs: () => 0,
  });
}

Deno.test("a fence ends without a word of damage when a snapshot has replaced the state before the quarantine began", () => {
  const said: string[] = [];
  const fenced = quarantine(said);
  fenced.fence(true);
  assertEquals([fenced.isFenced, fenced.isOn, said.length], [true, false, 1]);
  fenced.replaced(7);
  assertEquals(fenced.isFenced, false);
  // As the next look finds it.
  fenced.fence(false);
  assertEquals(said.length, 1, said.join());
});
