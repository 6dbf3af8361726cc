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

/** The ports that the line names, as it names them. */
function warned(
  ports: readonly number[],
  files: Readonly<Partial<Record<"range" | "reserved", string>>>,
): string {
  const wanted = ports.map((port) => ({ host: "127.0.0.1", port, flag: "--peer-port" }));
  return /^Ports? (.*) (?:is|are) among/.exec(warnOfEphemeral(wanted, linux(files)) ?? "")?.[1] ?? "";
}

Deno.test("ports in the system's range are warned of, but not those that are reserved", () => {
  const usual = { range: "32768\t60999\n" };
  assertEquals(warned([5_000, 15_000, 32_767, 32_768, 53_000, 60_999, 61_000], usual), "32768, 53000 and 60999");
  assertEquals(warned([53_000, 53_001, 53_005, 53_006], { ...usual, reserved: "53000,53001-53005\n" }), "53006");
  assertEquals(warned([2_000], { range: "1024 4999" }), "2000");
  assertEquals(warned([5_000, 15_000], usual), "");
  assertEquals(warned([53_002, 53_000, 43_000, 53_001, 43_001], usual), "43000 to 43001 and 53000 to 53002");
});

Deno.test("where the system does not tell, its usual range is taken", () => {
  assertEquals(warned([40_000, 61_000], {}), "40000");
  assertEquals(warned([40_000], { range: "nonsense" }), "40000");
  const other = findEphemeralPorts({ os: "darwin", readText: () => "" });
  assertEquals([other.first, other.last], [49_152, 65_535]);
});

Deno.test("the line names the port, the range, and the flag that changes it", () => {
  const line = (ports: Readonly<Record<string, number>>, range = "32768 60999") => {
    const wanted = Object.entries(ports).map(([flag, port]) => ({ host: "127.0.0.1", port, flag }));
    return warnOfEphemeral(wanted, linux({ range }));
  };
  assertEquals(
    line({ "--port": 43_000, "--peer-port": 53_000, "--http-port": 8_000 }),
    "Ports 43000 and 53000 are among those that the system gives to outgoing connections (32768 to 60999), so that another " +
      "program may hold them at the next start: choose --port and --peer-port below 32768, or reserve them",
  );
  assertStringIncludes(line({ "--peer-port": 33_000 }) ?? "", "choose --peer-port below 32768, or reserve it");
  assertStringIncludes(line({ "--port": 5_000 }, "1024 65535") ?? "", "at the next start: reserve it");
});
