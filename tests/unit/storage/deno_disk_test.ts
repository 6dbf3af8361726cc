/** The real disk keeps the same contract, and storage works on it. */

import { assert, assertEquals } from "@std/assert";
import { AccessError, DirectoryLockedError, NoSpaceError } from "../../../lib/base/errors.ts";
import { DenoDisk } from "../../../lib/storage/deno_disk.ts";
import { DenoFile } from "../../../lib/storage/deno_file.ts";
import { inspectDirectory } from "../../../lib/storage/inspect.ts";
import { toIndex } from "../../../lib/raft/types.ts";
import { entries, failure, id, idsOf, makeSnapshot, open, textsOf, write } from "./support.ts";
import { entriesIn } from "../../support/runs.ts";

/** Runs `body` with a temporary directory of its own. */
async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("files are read and written at offsets, renamed, listed and removed", async () => {
  await withDirectory(async (directory) => {
    const disk = new DenoDisk();
    disk.makeDirectory(`${directory}/a/b`);
    disk.makeDirectory(`${directory}/a/b`);
    const file = disk.open(`${directory}/a/b/f`, "create");
    file.writeAt(0, new Uint8Array([1, 2, 3]));
    file.writeAt(5, new Uint8Array([6]));
    file.writeAt(1, new Uint8Array([9]));
    await file.syncData();
    assertEquals(file.size(), 6);
    const target = new Uint8Array(10);
    assertEquals(file.readAt(0, target), 6);
    assertEquals(Array.from(target), [1, 9, 3, 0, 0, 6, 0, 0, 0, 0]);
    assertEquals(file.readAt(6, target), 0);
    file.truncate(2);
    assertEquals([file.size(), file.readAt(1, target)], [2, 1]);
    file.close();
    file.close();
    disk.rename(`${directory}/a/b/f`, `${directory}/a/b/g`);
    disk.open(`${directory}/a/b/B`, "create").close();
    await disk.syncDirectory(`${directory}/a/b`);
    assertEquals(disk.list(`${directory}/a/b`), ["B", "g"]);
    disk.remove(`${directory}/a/b/g`);
    disk.remove(`${directory}/a/b/g`);
    assertEquals([disk.exists(`${directory}/a/b/g`), disk.exists(`${directory}/a/b`)], [false, true]);
    assertEquals(disk.list(`${directory}/none`), []);
    await failure(AccessError, () => disk.open(`${directory}/none/f`, "create"));
    await failure(AccessError, () => disk.open(`${directory}/f`, "write"));
  });
});

Deno.test({
  name: "what is made is for its owner alone, the directories on the way as well",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withDirectory(async (directory) => {
      const disk = new DenoDisk();
      disk.makeDirectory(`${directory}/a/b`);
      disk.open(`${directory}/a/b/f`, "create").close();
      (await disk.lock(`${directory}/a/b/LOCK`, directory)).release();
      const modes = ["a", "a/b", "a/b/f", "a/b/LOCK"].map((name) => Deno.statSync(`${directory}/${name}`).mode ?? 0);
      assertEquals(modes.map((mode) => mode & 0o777), [0o700, 0o700, 0o600, 0o600]);
    }),
});

Deno.test("a file that is closed under a running sync is closed when that ends", async () => {
  await withDirectory(async (directory) => {
    const file = new DenoDisk().open(`${directory}/f`, "create");
    file.writeAt(0, new Uint8Array(100_000));
    const running = file.syncData();
    file.close();
    await running;
  });
});

Deno.test("a file is written while it is synced also where the system has no more descriptors", async () => {
  await withDirectory(async (directory) => {
    const program = new URL("../../support/starved_writer.ts", import.meta.url).pathname;
    const line = [Deno.execPath(), "run", "--allow-read", "--allow-write", program, `${directory}/f`];
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'ulimit -n 128; exec "$@"', "sh", ...line],
      env: { NO_COLOR: "1" },
    }).output();
    const told = new TextDecoder().decode(stdout);
    assertEquals(told, "Too many open files (os error 24)\n1000001\n", new TextDecoder().decode(stderr));
  });
});

Deno.test({
  name: "a full device is told apart from a failed one",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const file = new DenoFile("/dev/full", { file: Deno.openSync("/dev/full", { write: true }) });
    await failure(NoSpaceError, () => file.writeAt(0, new Uint8Array(10)));
    file.close();
  },
});

Deno.test("a short write is gone on with", async () => {
  await withDirectory((directory) => {
    const real = Deno.openSync(`${directory}/f`, { read: true, write: true, create: true });
    const write = real.writeSync.bind(real);
    real.writeSync = (bytes) => write(bytes.subarray(0, 3));
    const file = new DenoFile(`${directory}/f`, { file: real });
    const bytes = Uint8Array.from({ length: 10 }, (_, at) => at);
    file.writeAt(0, bytes);
    const target = new Uint8Array(10);
    assertEquals([file.readAt(0, target), target], [10, bytes]);
    file.close();
    return Promise.resolve();
  });
});

Deno.test("storage on the real disk: write, roll, snapshot, compact, close, recover, inspect", async () => {
  await withDirectory(async (parent) => {
    const disk = new DenoDisk();
    const directory = `${parent}/deep/node-0`;
    const storage = await open(disk, { directory });
    await storage.saveHardState({ currentTerm: id(0, 2).term, votedFor: 1 });
    assert(storage.reserve(10_000, 10));
    for (let index = 1; index <= 300; index += 10) await write(storage, entries(index, 2, 10));
    await makeSnapshot(storage, 200, 2);
    await storage.compact(toIndex(200));
    await storage.close();
    const again = await open(disk, { directory });
    assertEquals(again.recovered.hardState, { currentTerm: id(0, 2).term, votedFor: 1 });
    assertEquals(entriesIn(again.recovered.runs), entries(201, 2, 100));
    const source = again.openSnapshot();
    assertEquals(source && textsOf(source), ["state at 200", "second block \xff\x00"]);
    source?.close();
    await write(again, entries(301, 3));
    await again.close();
    const { damages, inUse, log } = await inspectDirectory(disk, directory);
    assertEquals([damages, inUse, log?.last], [[], false, id(301, 3)]);
    assertEquals(idsOf(entries(301, 3)), "301/3");
  });
});

Deno.test("a file system that has no size tells nothing of what is free: a node on one refuses no write", () => {
  const disk = new DenoDisk();
  assert((disk.space(".")?.totalBytes ?? 0) > 0);
  // Like a tmpfs of size 0, which takes all that the memory takes.
  assertEquals(disk.space("/proc"), undefined);
});

/**
 * Where a lock cannot be tried, an attempt that was given up ends when the system gives it the lock, which may be after the test: these
 * are the last of this file.
 */
const CAN_TRY = "tryLock" in Deno.FsFile.prototype;

Deno.test({
  name: "a directory that another holds is refused, then free",
  sanitizeOps: CAN_TRY,
  fn: () =>
    withDirectory(async (directory) => {
      const disk = new DenoDisk();
      const lock = await disk.lock(`${directory}/LOCK`, directory);
      const error = await failure(DirectoryLockedError, () => disk.lock(`${directory}/LOCK`, directory));
      assertEquals(error.message, `Data directory ${directory} is in use by another process`);
      lock.release();
      (await disk.lock(`${directory}/LOCK`, directory)).release();
    }),
});

Deno.test({
  name: "a process that is killed holds no lock",
  sanitizeOps: CAN_TRY,
  fn: async () => {
    await withDirectory(async (directory) => {
      const script = `const f = Deno.openSync(Deno.args[0], { read: true, write: true, create: true });
      await f.lock(true); console.log("held"); setInterval(() => {}, 1000);`;
      await Deno.writeTextFile(`${directory}/hold.ts`, script);
      const holder = new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-config", "-A", `${directory}/hold.ts`, `${directory}/LOCK`],
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const reader = holder.stdout.getReader();
      await reader.read();
      const disk = new DenoDisk();
      await failure(DirectoryLockedError, () => disk.lock(`${directory}/LOCK`, directory));
      holder.kill("SIGKILL");
      await reader.cancel();
      await holder.status;
      (await disk.lock(`${directory}/LOCK`, directory)).release();
    });
  },
});
