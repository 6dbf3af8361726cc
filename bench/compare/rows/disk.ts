/** How much disk many overwrites of few keys take at most. */

import { note } from "../../support/print.ts";
import { showErrors, startLoad } from "../loads/kvstore_bench.ts";
import { Meter } from "../meter.ts";
import { KEY_BYTES, VALUE_BYTES } from "../options.ts";
import { judge, type RowGroup, type RowHead, showSpread } from "../row.ts";
import { startSubject } from "../servers/subject.ts";

const HEAD: RowHead = { id: "disk", title: "Disk of one node during overwrites" };
const MEBIBYTE = 1_048_576;
const BLOCK_BYTES = 512;
const LOOK_MS = 500;

/** The greatest size seen while the writes ran and after them. */
export const disk: RowGroup = {
  rows: [HEAD],
  minutesMax: 15,
  async run(options) {
    await using subject = await startSubject(options);
    const { keys, overwrites } = options;
    const greatest = subject.ids.map(() => 0);
    const look = () => {
      for (const id of subject.ids) greatest[id] = Math.max(greatest[id] ?? 0, bytesIn(subject.directory(id)));
    };
    const timer = setInterval(look, LOOK_MS);
    const meter = new Meter(subject);
    const load = startLoad(subject.address(await subject.leader()), {
      ...{ command: "set", connections: 50, pipeline: 16, keys, requests: overwrites },
    });
    const result = await load.result.finally(() => clearInterval(timer));
    await subject.settle();
    look();
    note(`${result.requests} overwrites in ${result.seconds.toFixed(1)} s`);
    const live = keys * (KEY_BYTES + VALUE_BYTES);
    const errors = showErrors(result);
    return [judge(HEAD, {
      bar: { kind: "atMost", value: (3 * live) / MEBIBYTE + 256, of: "worst", unit: " MiB", digits: 0 },
      samples: greatest.map((bytes) => bytes / MEBIBYTE),
      costs: [meter.read(result.requests)],
      notes: [
        `${result.requests} writes to ${keys} keys at ${result.perSecond.toFixed(0)}/s` +
        `${errors === "" ? "" : ` (errors: ${errors})`}; live data ${(live / MEBIBYTE).toFixed(1)} MiB.`,
        `One sample for each node: the most its directory held, looked at twice a second. At the end ${
          showSpread(subject.ids.map((id) => bytesIn(subject.directory(id)) / MEBIBYTE), { unit: " MiB" })
        }.`,
      ],
    })];
  },
};

/** Blocks that the files of a directory take, in bytes. Files that vanish meanwhile count as nothing. */
function bytesIn(directory: string): number {
  let bytes = 0;
  try {
    for (const { name, isDirectory } of Deno.readDirSync(directory)) {
      const path = `${directory}/${name}`;
      if (isDirectory) bytes += bytesIn(path);
      else bytes += sizeOf(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
}

function sizeOf(path: string): number {
  try {
    const { blocks, size } = Deno.statSync(path);
    return blocks === null ? size : blocks * BLOCK_BYTES;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
