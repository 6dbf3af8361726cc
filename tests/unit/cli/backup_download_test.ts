/** A backup over connections that break: resumed where the snapshot is the same, begun anew where it is another, given up in the end. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BACKUP_ATTEMPTS_MAX, downloadBackup } from "../../../lib/cli/backup/backup_download.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";

const OLD = Uint8Array.from({ length: 1_000 }, (_, at) => at % 251);
const NEW = Uint8Array.from({ length: 300 }, (_, at) => at % 7);

/** One answer: a part of a snapshot that breaks off after so many bytes, or a refusal. */
type Answer =
  | { readonly of: Uint8Array; readonly tag: string; readonly breaksAt?: number; readonly ends?: boolean }
  | { readonly status: number };

/** Nodes that answer so, one after the other, and the last over and over. */
class Nodes {
  readonly asked: string[] = [];
  readonly warnings: string[] = [];
  pauses = 0;
  closed = 0;
  readonly file = new MemoryDisk().open("/backup.snap.tmp", "create");
  readonly #answers: readonly Answer[];

  constructor(...answers: readonly Answer[]) {
    this.#answers = answers;
  }

  pause(): Promise<void> {
    this.pauses += 1;
    return Promise.resolve();
  }

  open(path: string, headers: Readonly<Record<string, string>>) {
    const answer = this.#answers[this.asked.length] ?? this.#answers.at(-1);
    this.asked.push(`${path} ${headers["Range"] ?? "whole"} ${headers["If-Range"] ?? ""}`.trimEnd());
    if (answer === undefined || "status" in answer) {
      const status = answer?.status ?? 0;
      return Promise.resolve({ address: "n:1", status, json: { detail: `refused with ${status}` } });
    }
    const { of, tag, breaksAt = of.length, ends = false } = answer;
    const from = headers["If-Range"] === tag ? Number(/\d+/.exec(headers["Range"] ?? "")?.[0] ?? 0) : 0;
    const status = from > 0 ? 206 : 200;
    let at = from;
    const read = () => {
      const piece = of.slice(at, Math.min(at + 64, breaksAt));
      at += piece.length;
      if (piece.length > 0) return Promise.resolve(piece);
      return ends || at === of.length ? Promise.resolve(undefined) : Promise.reject(new Error("reset"));
    };
    const heads = new Map([["etag", tag], ["x-kv-snapshot-bytes", String(of.length)]]);
    const close = () => void (this.closed += 1);
    return Promise.resolve({
      address: "n:1",
      status,
      json: undefined,
      download: { status, headers: heads, read, close },
    });
  }

  take(isStale = false): Promise<string> {
    return downloadBackup(this, { file: this.file, isStale, warn: (line) => this.warnings.push(line) });
  }

  get content(): Uint8Array {
    const bytes = new Uint8Array(this.file.size());
    this.file.readAt(0, bytes);
    return bytes;
  }
}

Deno.test("a backup that comes whole is taken at once, with or without a majority", async () => {
  const nodes = new Nodes({ of: OLD, tag: '"a"' });
  assertEquals([await nodes.take(), nodes.content, nodes.warnings], ["n:1", OLD, []]);
  assertEquals([nodes.asked, nodes.closed], [["/v1/backup whole"], 1]);
  const stale = new Nodes({ of: OLD, tag: '"a"' });
  await stale.take(true);
  assertEquals(stale.asked, ["/v1/backup?level=stale whole"]);
});

Deno.test("a connection that breaks, or ends too early, is resumed where it broke while the snapshot is the same", async () => {
  for (const ends of [false, true]) {
    const nodes = new Nodes(
      { of: OLD, tag: '"a"', breaksAt: 100, ends },
      { of: OLD, tag: '"a"', breaksAt: 400, ends },
      { of: OLD, tag: '"a"' },
    );
    await nodes.take();
    assertEquals(nodes.content, OLD);
    assertEquals(nodes.asked, ["/v1/backup whole", '/v1/backup bytes=100- "a"', '/v1/backup bytes=400- "a"']);
    assertEquals(nodes.warnings, [
      `The connection to n:1 broke after 100 of 1000 bytes; attempt 2 of ${BACKUP_ATTEMPTS_MAX}`,
      `The connection to n:1 broke after 400 of 1000 bytes; attempt 3 of ${BACKUP_ATTEMPTS_MAX}`,
    ]);
    assertEquals([nodes.closed, nodes.pauses], [3, 2]);
  }
});

Deno.test("where the node has another snapshot by then the file begins anew, and nothing of the first is left", async () => {
  const nodes = new Nodes({ of: OLD, tag: '"a"', breaksAt: 900 }, { of: NEW, tag: '"b"' });
  await nodes.take();
  assertEquals(nodes.content, NEW);
  assertEquals(nodes.warnings.at(-1), "n:1 has a newer snapshot: beginning anew");
});

Deno.test("attempts are bounded, a node with other backups is asked again, and any other refusal ends it", async () => {
  const broken = new Nodes({ of: OLD, tag: '"a"', breaksAt: 10 });
  const given = await assertRejects(() => broken.take(), Failure);
  assertMatch(given.message, /^No backup after 5 attempts: The connection to n:1 broke after 10 of 1000 bytes$/);
  assertEquals([broken.asked.length, broken.warnings.length], [BACKUP_ATTEMPTS_MAX, BACKUP_ATTEMPTS_MAX - 1]);
  const busy = new Nodes({ status: 429 }, { of: OLD, tag: '"a"' });
  await busy.take();
  assertEquals([busy.content, busy.warnings], [OLD, ["refused with 429; attempt 2 of 5"]]);
  const empty = new Nodes({ status: 404 });
  assertEquals((await assertRejects(() => empty.take(), Failure)).message, "refused with 404");
  assertEquals(empty.asked.length, 1);
  const other = new Nodes({ of: new Uint8Array(), tag: '"a"' });
  assertMatch((await assertRejects(() => other.take(), Failure)).message, /is no KVStore node/);
});
