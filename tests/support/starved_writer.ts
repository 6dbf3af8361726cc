/** A process that writes a file while it is synced, when the system gives it no more descriptors; `tests/unit/storage` runs it. */

import { DenoDisk } from "../../lib/storage/deno_disk.ts";

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

const [path = ""] = Deno.args;
const file = new DenoDisk().open(path, "create");
file.writeAt(0, new Uint8Array(1_000_000));
const taken: Deno.FsFile[] = [];
try {
  for (;;) taken.push(Deno.openSync(path));
} catch (error) {
  say(`${error instanceof Error ? error.message : error}`.replace(/:.*/, ""));
}
const syncing = file.syncData();
file.writeAt(1_000_000, new Uint8Array([7]));
await syncing;
await file.syncData();
for (const each of taken) each.close();
file.close();
say(String(Deno.statSync(path).size));
