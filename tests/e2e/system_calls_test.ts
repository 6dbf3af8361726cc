import { assert, assertEquals } from "@std/assert";
import { isComplete, readTrace } from "../support/system_calls.ts";

// Numbers of processes are padded to five places.
const TRACE = `812   100.000001 fdatasync(31</d/wal/1.wal> <unfinished ...>
12345 100.000002 rename("/d/a.tmp", "/d/a") = 0 <0.000200>
812   100.000500 <... fdatasync resumed>) = 0 <0.000600>
813   100.000700 fsync(30</d>) = -1 EIO (Input/output error) <0.000100>
813   100.000800 unlink("/d/b" <unfinished ...>
12345 100.000900 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---
813   100.001000 <... unlink resumed>) = 0 <0.000300>
812   100.002000 +++ exited with 0 +++
`;

Deno.test("a trace tells the calls that succeeded, those that were interrupted too, whatever the numbers of processes", () => {
  const calls = readTrace(TRACE).map(({ name, path, begun, ended }) => [name, path, begun, ended.toFixed(6)]);
  assertEquals(calls, [
    ["fdatasync", "/d/wal/1.wal", 100.000001, "100.000601"],
    ["rename", "/d/a", 100.000002, "100.000202"],
    ["unlink", "/d/b", 100.0008, "100.001100"],
  ]);
  assert(isComplete(TRACE, 812));
  assert(!isComplete(TRACE, 12345));
});
