/** Power fails after every disk call of workloads on encrypted directories, and while a plain one becomes encrypted. */

import { assertGreaterOrEqual } from "@std/assert";
import { encryptDirectories } from "./encryption.ts";
import { emptyCount, enumerate } from "./enumerate.ts";
import { print } from "./print.ts";
import { entriesOf, type Session } from "./session.ts";
import { REPLAY } from "./settings.ts";
import { type Workload, WORKLOADS } from "./workloads.ts";

encryptDirectories();

const CHOSEN: readonly string[] = ["first-start", "restart"];
const MIGRATED: Workload = { name: "migrated", segmentBytes: 2_048, pieceBytes: 1_500, stopsMin: 60, run: migrate };

Deno.test("a crash after any disk call leaves an encrypted directory that has what was acknowledged, and nothing invented", async (t) => {
  for (const workload of [...WORKLOADS.filter(({ name }) => CHOSEN.includes(name)), MIGRATED]) {
    await t.step(workload.name, async () => {
      const count = emptyCount();
      await enumerate(workload, count);
      if (REPLAY === undefined) assertGreaterOrEqual(count.stops, workload.stopsMin);
      if (count.stops > 0) print(workload.name, count);
    });
  }
});

/** A directory that was plain is opened with a key, and again. */
async function migrate(session: Session): Promise<void> {
  await session.open({ isPlain: true });
  await session.save(1, 0);
  session.append(entriesOf(1, 1, 3));
  await session.sync();
  await session.take(2, 1);
  await session.close();
  await session.open();
  session.append(entriesOf(4, 1, 2));
  await session.sync();
  await session.take(5, 1);
  await session.compact(5);
  await session.close();
  await session.open();
  session.append(entriesOf(6, 1));
  await session.sync();
}
