import { assertEquals, assertMatch } from "@std/assert";
import { closeDataDirectory } from "../../../lib/cluster/private_directories.ts";

const ignore = Deno.build.os === "windows";

/** A data directory with these modes. */
function makeDirectory(modes: { readonly top: number; readonly wal: number; readonly snapshots: number }): string {
  const directory = Deno.makeTempDirSync();
  for (const name of ["wal", "snapshots"] as const) {
    Deno.mkdirSync(`${directory}/${name}`);
    Deno.chmodSync(`${directory}/${name}`, modes[name]);
  }
  Deno.chmodSync(directory, modes.top);
  return directory;
}

function modesOf(directory: string): readonly number[] {
  return ["", "/wal", "/snapshots"].map((name) => (Deno.statSync(`${directory}${name}`).mode ?? 0) & 0o7777);
}

Deno.test({
  name: "what holds the data is closed to others and told of, the directory around it stays as it is",
  ignore,
  fn() {
    const directory = makeDirectory({ top: 0o755, wal: 0o755, snapshots: 0o710 });
    assertEquals(
      closeDataDirectory(directory),
      ["wal", "snapshots"].map((name) =>
        `${directory}/${name} was open to others than its owner: it is for its owner alone now`
      ),
    );
    assertEquals(modesOf(directory), [0o755, 0o700, 0o700]);
    assertEquals(closeDataDirectory(directory), []);
    Deno.removeSync(directory, { recursive: true });
  },
});

Deno.test({
  name:
    "the copy of a forced recovery is closed as well, and nobody is told of a directory that stays open that it is closed",
  ignore,
  fn() {
    const directory = makeDirectory({ top: 0o755, wal: 0o700, snapshots: 0o700 });
    const kept = `${directory}/before-recovery`;
    Deno.mkdirSync(kept);
    Deno.chmodSync(kept, 0o755);
    const chmod = Deno.chmodSync;
    try {
      // As on a file system without modes.
      Deno.chmodSync = () => {};
      assertEquals(closeDataDirectory(directory), [
        `${kept} is open to others than its owner, and stays so: chmod 700 it (its file system keeps the mode)`,
      ]);
    } finally {
      Deno.chmodSync = chmod;
    }
    assertEquals(closeDataDirectory(directory), [
      `${kept} was open to others than its owner: it is for its owner alone now`,
    ]);
    assertEquals((Deno.statSync(kept).mode ?? 0) & 0o777, 0o700);
    Deno.removeSync(directory, { recursive: true });
  },
});

Deno.test({
  name: "a data directory in which everybody can replace what is there is told of, a sticky one is not such a one",
  ignore,
  fn() {
    for (const [top, lines] of [[0o777, 1], [0o702, 1], [0o1777, 0], [0o775, 0]] as const) {
      const directory = makeDirectory({ top, wal: 0o700, snapshots: 0o700 });
      const said = closeDataDirectory(directory);
      assertEquals(said.length, lines, top.toString(8));
      for (const line of said) assertMatch(line, /^Everybody on this machine can replace what is in .*: chmod o-w it$/);
      assertEquals(modesOf(directory), [top, 0o700, 0o700]);
      Deno.removeSync(directory, { recursive: true });
    }
  },
});
