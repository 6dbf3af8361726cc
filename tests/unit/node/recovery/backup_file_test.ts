/** The file of a backup: what is in it is told, and whatever is wrong with it is found. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { stringToBytes } from "../../../../lib/base/bytes.ts";
import { checksum } from "../../../../lib/base/checksum.ts";
import { CorruptionError } from "../../../../lib/base/errors.ts";
import { BACKUP_REST, BACKUP_SLICE_MS } from "../../../../lib/node/limits.ts";
import { describeBackup, outlineBackup, outlineGently } from "../../../../lib/node/recovery/backup_file.ts";
import { toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { BLOCK_HEADER_BYTES, encodeFooter, encodeSnapshotHead } from "../../../../lib/storage/snapshot_format.ts";
import { SPOKEN_VERSIONS } from "../../../../lib/transport/versions.ts";
import { BACKUP_AT, damageOf, inputOf, makeBackup, readBackup } from "../../../support/backups.ts";
import { LookedAtClock } from "../../../support/looked_at_clock.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { snapshotOfState, snapshotOfVersion } from "../../../support/other_version.ts";
import { emptyState, spanOf } from "../../../support/state.ts";
import { LOG, OLD_CLUSTER, THREE } from "../../../support/survivor.ts";

const WHOLE = await makeBackup();

/** Of the blocks of a backup that is not compressed. */
function blocksBytes(bytes: Uint8Array): number {
  const headEnd = 16 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true) + 4;
  return bytes.length - headEnd - 3 * BLOCK_HEADER_BYTES - 32;
}

Deno.test("a backup tells what is in it, with the digest that its entries come to, from a file and from a stream", async () => {
  const state = emptyState();
  for (const entry of LOG.slice(0, BACKUP_AT)) {
    if (entry.type === "Command") state.apply(entry.index, spanOf(entry.command));
    else state.skip(entry.index);
  }
  for (const kind of ["file", "stream"] as const) {
    assertEquals(describeBackup(await readBackup(inputOf(WHOLE, kind))), {
      clusterId: OLD_CLUSTER,
      index: BACKUP_AT,
      term: 2,
      timeMs: state.timeMs,
      keys: 3,
      expiring: 1,
      keyBytes: state.bytes,
      sessions: 1,
      users: 0,
      digest: state.digest,
      blocks: 3,
      bytes: WHOLE.length,
      compression: "off",
      plainBytes: blocksBytes(WHOLE),
    });
  }
});

Deno.test("one flipped bit anywhere in a backup is found", async () => {
  for (let at = 0; at < WHOLE.length; at++) {
    for (const mask of [1, 0x80, 0xff]) {
      const bytes = WHOLE.slice();
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      assertMatch(
        await damageOf(inputOf(bytes)),
        /^(CorruptionError|FormatVersionError): .*backup\.snap/,
        `${at}/${mask}`,
      );
    }
  }
});

Deno.test("a backup that was cut short or has bytes behind it is damaged, as a file and as a stream", async () => {
  for (const kind of ["file", "stream"] as const) {
    for (let length = 0; length < WHOLE.length; length++) {
      const damage = await damageOf(inputOf(WHOLE.slice(0, length), kind));
      assertEquals(damage, `CorruptionError: Damaged data in backup.snap at offset ${length}: the file is cut short`);
    }
    const longer = new Uint8Array(WHOLE.length + 1);
    longer.set(WHOLE);
    assertMatch(await damageOf(inputOf(longer, kind)), /offset \d+: data follows the footer$/);
  }
});

Deno.test("a backup of another version says of what: the file, the state in it, the level of the cluster", async () => {
  assertMatch(await damageOf(inputOf(snapshotOfVersion(WHOLE, 4))), /its format version is 4, and this program reads/);
  const disk = new MemoryDisk();
  const file = disk.open("/backup.snap", "create");
  file.writeAt(0, WHOLE);
  const newer = snapshotOfState(file, (block) => block.replace('"format":5', '"format":6'));
  assertMatch(await damageOf(inputOf(newer)), /the format version of the state in it is 6/);
  const level = SPOKEN_VERSIONS.newest + 1;
  const head = encodeSnapshotHead({
    lastIncluded: { index: toIndex(1), term: toTerm(1) },
    configuration: { ...THREE, level },
  });
  const whole = new Uint8Array([...head, ...encodeFooter(0, checksum(head))]);
  assertMatch(await damageOf(inputOf(whole)), new RegExp(`the configuration in it is ${level}`));
});

Deno.test("a backup without a state, or with that of another index, is damaged", async () => {
  const disk = new MemoryDisk();
  const file = disk.open("/backup.snap", "create");
  file.writeAt(0, WHOLE);
  const other = snapshotOfState(file, (block) => block.replace(`"lastApplied":${BACKUP_AT}`, '"lastApplied":7'));
  assertMatch(await damageOf(inputOf(other)), /the state in it is of another index/);
  const odd = snapshotOfState(file, () => "neither");
  assertMatch(await damageOf(inputOf(odd)), /not of a known form/);
  assertMatch(
    await damageOf(inputOf(stringToBytes("GET / HTTP/1.1\r\n\r\n and more"))),
    /does not begin as a snapshot/,
  );
});

Deno.test("a backup that was taken is read through beside the nodes, in short pieces with long rests, and what is wrong is found", async () => {
  const rests: number[] = [];
  const clock = new LookedAtClock((ms) => rests.push(ms));
  const outline = await outlineGently(inputOf(WHOLE), clock);
  assertEquals(outline, outlineBackup(inputOf(WHOLE)));
  assertEquals([outline.keys, outline.blocks, outline.bytes], [3, 3, WHOLE.length]);
  assertEquals(rests, Array(outline.blocks).fill(BACKUP_REST * BACKUP_SLICE_MS));
  const damaged = WHOLE.slice();
  damaged[damaged.length - 40] = (damaged[damaged.length - 40] ?? 0) ^ 1;
  await assertRejects(() => outlineGently(inputOf(damaged), clock), CorruptionError);
});
