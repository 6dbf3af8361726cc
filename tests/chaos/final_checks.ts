/** What every node holds in the end: read through it while it runs, and in its directory when it has ended. */

import { stringToBytes } from "../../lib/base/bytes.ts";
import type { Disk } from "../../lib/storage/disk.ts";
import { inspectDirectory } from "../../lib/storage/inspect.ts";
import { DenoDisk } from "../../lib/storage/deno_disk.ts";
import { readSnapshot } from "../../lib/storage/snapshot_format.ts";
import { contentOf } from "../support/state.ts";
import { TextClient } from "../support/text_client.ts";
import { delay, waitFor } from "../support/wait.ts";
import type { Fleet } from "./fleet.ts";
import type { LogBook } from "./log_book.ts";
import { textReadReply } from "../support/protocols/text_protocol.ts";
import { nowNs, type Recorder } from "./recorder.ts";

const READ_TIMEOUT_MS = 20_000;
/** Reads on the way at a time; each is a client of its own in the history. */
const CHUNK = 200;
/** Above the numbers of all clients and their lives. */
const READER_ID = 1_000_000_000;
const EQUAL_TIMEOUT_MS = 15_000;
const COMPARED_ENTRIES_MIN = 20;
const SNAPSHOT_ATTEMPTS = 10;

/** Reads every key through every node; each read is part of the history too. */
export async function readFinals(
  fleet: Fleet,
  { keys, recorder }: { readonly keys: readonly string[]; readonly recorder: Recorder },
): Promise<ReadonlyMap<number, ReadonlyMap<string, string | null>>> {
  const finals = new Map<number, ReadonlyMap<string, string | null>>();
  for (const id of fleet.ids) {
    using client = await TextClient.connect(fleet.cluster.node(id).clientPort, { timeoutMs: READ_TIMEOUT_MS });
    const values = new Map<string, string | null>();
    for (let at = 0; at < keys.length; at += CHUNK) {
      const part = keys.slice(at, at + CHUNK);
      const call = nowNs();
      const replies = part.map((key) => client.ask(`GET ${key}`));
      for (const [place, key] of part.entries()) {
        const reply = await replies[place] ?? "";
        const told = textReadReply(reply, key);
        if (told.type !== "Value") recorder.surprises.push(`final read of ${key} on node ${id}: ${reply}`);
        if (told.type !== "Value") continue;
        values.set(key, told.value);
        recorder.read({ client: READER_ID + place, key, value: told.value, call, return: nowNs() });
      }
    }
    finals.set(id, values);
  }
  return finals;
}

/** Looks at the logs until every node shows the same last entries. Returns what is wrong. */
export async function compareLogs(fleet: Fleet, book: LogBook): Promise<string[]> {
  try {
    await waitFor(async () => {
      for (const port of fleet.ports) await book.poll(port);
      const logs = await Promise.all(fleet.ids.map((id) => fleet.cluster.block(id, "LOGS 2000")));
      const entries = logs.map((lines) => lines.filter((line) => line.startsWith("Index ")));
      const common = Math.min(...entries.map((lines) => lines.length));
      const tails = new Set(entries.map((lines) => lines.slice(lines.length - common).join("\n")));
      return common >= COMPARED_ENTRIES_MIN && tails.size === 1 ? true : undefined;
    }, { what: "LOGS shows the same on all nodes", timeoutMs: EQUAL_TIMEOUT_MS });
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Makes every node take a snapshot of the same entry, so that their files can be compared. Returns what is wrong. */
export async function takeEqualSnapshots(fleet: Fleet): Promise<string[]> {
  let replies: string[] = [];
  for (let attempt = 0; attempt < SNAPSHOT_ATTEMPTS; attempt++) {
    replies = await Promise.all(fleet.ids.map((id) => fleet.cluster.ask(id, "SNAPSHOT")));
    const places = new Set(replies.map((reply) => / at index (\d+ \(term \d+\))\.$/.exec(reply)?.[1] ?? reply));
    if (places.size === 1) return [];
    // A follower was behind, or a leader added an entry.
    await delay(200);
  }
  return [`the nodes do not take snapshots of the same entry: ${replies.join(" | ")}`];
}

/** Compares the directories of the ended nodes: no damage, equal entries, equal state. Returns what is wrong. */
export async function compareDirectories(fleet: Fleet): Promise<string[]> {
  const disk = new DenoDisk();
  const directories = fleet.cluster.nodes.map(({ directory }) => directory);
  const outlines = await Promise.all(directories.map((directory) => inspectDirectory(disk, directory)));
  const problems = outlines.flatMap(({ directory, otherVersions, damages }) =>
    [
      ...otherVersions.map(({ what }) => what),
      ...damages.map(({ file, offset, what }) => `${file} at ${offset}: ${what}`),
    ]
      .map((problem) => `${directory}: ${problem}`)
  );
  const logs = outlines.flatMap(({ log }) => log === null ? [] : [log]);
  const from = Math.max(...logs.map(({ first }) => first.index));
  const to = Math.min(...logs.map(({ last }) => last.index));
  if (logs.length < directories.length || to - from < COMPARED_ENTRIES_MIN) {
    problems.push(`the logs on disk have too little in common to be compared: ${from} to ${to}`);
    return problems;
  }
  const digests = await Promise.all(
    directories.map(async (directory) =>
      (await inspectDirectory(disk, directory, { digest: { from, to } })).digest.crc
    ),
  );
  if (new Set(digests).size > 1) problems.push(`entries ${from} to ${to} differ on disk: ${digests.join(" ")}`);
  const states = await Promise.all(outlines.map(async ({ snapshots }) => await stateOf(disk, snapshots[0]?.file)));
  if (new Set(states).size > 1) problems.push(`the states differ: ${states.join(" ")}`);
  return problems;
}

/** What the newest snapshot of a node holds: each writes its keys in an order of its own. */
async function stateOf(disk: Disk, path: string | undefined): Promise<string> {
  if (path === undefined) return "no snapshot";
  const file = disk.open(path, "read");
  try {
    // A block is valid until the next one is read.
    const blocks = Array.from(readSnapshot(file), (block) => block.slice());
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", stringToBytes(contentOf(blocks))));
    const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${path.slice(path.lastIndexOf("/") + 1)}: ${hex}`;
  } finally {
    file.close();
  }
}
