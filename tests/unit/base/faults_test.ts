/** The fault sites: each is in the program once, under its name, and costs nothing while no injector is installed. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { fault, FAULT_SITES, type FaultSite, installFaults } from "../../../lib/base/faults.ts";

const LIB = new URL("../../../lib/", import.meta.url);

function sitesIn(folder: URL): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sitesIn(new URL(`${name}/`, folder));
    const text = Deno.readTextFileSync(new URL(name, folder));
    return Array.from(text.matchAll(/(?:fault|putsOff)\("([^"]+)"\)/g), ([, site = ""]) => site);
  });
}

Deno.test("every fault site is in the program exactly once, and is described", () => {
  const names = Object.keys(FAULT_SITES);
  assertGreater(names.length, 60);
  assertEquals(sitesIn(LIB).sort(), names.toSorted());
  for (const [name, description] of Object.entries(FAULT_SITES)) {
    assertMatch(name, /^(raft|node|storage|kv)\/[a-z][A-Za-z]+$/);
    assert(description.length > 10, name);
  }
});

Deno.test("no site fires unless an injector says so, and none after it is gone", () => {
  const asked: FaultSite[] = [];
  assertEquals(fault("raft/windowOfOne"), false);
  installFaults((site) => {
    asked.push(site);
    return site === "raft/windowOfOne";
  });
  try {
    assertEquals([fault("raft/windowOfOne"), fault("raft/probeEmpty")], [true, false]);
  } finally {
    installFaults(undefined);
  }
  assertEquals([fault("raft/windowOfOne"), asked], [false, ["raft/windowOfOne", "raft/probeEmpty"]]);
});
