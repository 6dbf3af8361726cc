/** Which ports the system may give to others, and what is said of a node that listens on one. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { findEphemeralPorts, warnOfEphemeral } from "../../../lib/cluster/ephemeral_ports.ts";

function linux(files: Readonly<Partial<Record<"range" | "reserved", string>>>) {
  return findEphemeralPorts({
    os: "linux",
    readText: (path) => {
      const text = path.endsWith("_port_range") ? files.range : files.reserved;
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
  });
}

function warned(
  ports: readonly number[],
  files: Readonly<Partial<Record<"range" | "reserved", string>>>,
): readonly number[] {
  const wanted = ports.map((port) => ({ host: "127.0.0.1", port, flag: "--peer-port" }));
  const lines = warnOfEphemeral(wanted, linux(files));
  return ports.filter((port) => lines.some((line) => line.startsWith(`Port ${port} `)));
}

Deno.test("ports in the system's range are warned of, but not those that are reserved", () => {
  const usual = { range: "32768\t60999\n" };
  assertEquals(warned([5_000, 15_000, 32_767, 32_768, 53_000, 60_999, 61_000], usual), [32_768, 53_000, 60_999]);
  assertEquals(warned([53_000, 53_001, 53_005, 53_006], { ...usual, reserved: "53000,53001-53005\n" }), [
    53_006,
  ]);
  assertEquals(warned([2_000], { range: "1024 4999" }), [2_000]);
});

Deno.test("where the system does not tell, its usual range is taken", () => {
  assertEquals(warned([40_000, 61_000], {}), [40_000]);
  assertEquals(warned([40_000], { range: "nonsense" }), [40_000]);
  const other = findEphemeralPorts({ os: "darwin", readText: () => "" });
  assertEquals([other.first, other.last], [49_152, 65_535]);
});

Deno.test("the line names the port, the range, and the flag that changes it", () => {
  const wanted = [{ host: "127.0.0.1", port: 53_000, flag: "--peer-port" }];
  const [line = ""] = warnOfEphemeral(wanted, linux({ range: "32768 60999" }));
  for (const part of ["53000", "32768 to 60999", "--peer-port"]) assertStringIncludes(line, part);
});
