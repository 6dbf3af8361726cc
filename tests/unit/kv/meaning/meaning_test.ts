/** The bytes of commands and what they do, frozen for each version; `UPDATE=1` rewrites them where that is allowed. */

import { assert, assertEquals } from "@std/assert";
import { CALLS } from "../../../../lib/kv/calls.ts";
import { COMMAND_VERSION } from "../../../../lib/kv/commands.ts";
import { SNAPSHOT_FORMAT } from "../../../../lib/kv/snapshot_cut.ts";
import { PROTOCOL_VERSION } from "../../../../lib/transport/versions.ts";
import { CASES } from "./cases.ts";
import { findObjection, format, type Meaning, parse, record, type RecordedStep } from "./golden.ts";

const GOLDEN = new URL("./commands.jsonl", import.meta.url);

function meaningNow(): Meaning {
  return {
    versions: { protocol: PROTOCOL_VERSION, command: COMMAND_VERSION, state: SNAPSHOT_FORMAT },
    calls: [...CALLS.keys()].sort(),
    cases: Object.fromEntries(CASES.map((each) => [each.name, record(each)])),
  };
}

Deno.test("commands mean what they have meant since their version was raised; UPDATE=1 rewrites the file, with a new version", async () => {
  const now = meaningNow();
  const before = parse(await Deno.readTextFile(GOLDEN));
  const objection = findObjection(before, now);
  assertEquals(objection, undefined, objection);
  if (Deno.env.get("UPDATE") === "1") await Deno.writeTextFile(GOLDEN, format(now));
  assertEquals(format(now), await Deno.readTextFile(GOLDEN), "UPDATE=1 writes new cases and versions down");
});

Deno.test("the frozen commands are of every kind, with every call and every result", () => {
  assertEquals(new Set(CASES.map(({ name }) => name)).size, CASES.length, "Names are different");
  const steps = CASES.flatMap((each) => record(each));
  const told = steps.map(([, result]) => JSON.stringify(result));
  const bytes = steps.map(([encoded]) => encoded).join("\n");
  for (const kind of [..."PDCTAOSKX"]) assert(new RegExp(`;${kind}`).test(bytes), `Commands of kind ${kind}`);
  for (const name of CALLS.keys()) assert(bytes.includes(`${name.length}:${name}`), `Calls of ${name}`);
  for (const type of ["Put", "Delete", "Reply", "Transaction", "Refused", "Invalid"]) {
    assert(told.some((result) => result.includes(`"type":"${type}"`)), `Results of type ${type}`);
  }
  for (
    const reason of [
      "NoSession",
      "StaleSequence",
      "AnswerNotKept",
      "SequenceReused",
      "TooManySessions",
      "ForeignSession",
    ]
  ) {
    assert(told.some((result) => result.includes(`"reason":"${reason}"`)), `Refusals for ${reason}`);
  }
});

const STEP: RecordedStep = ["1;A", { type: "Invalid" }, "00"];
const BEFORE: Meaning = {
  versions: { protocol: 2, command: 1, state: 3 },
  calls: ["GET", "SET"],
  cases: { one: [STEP], two: [STEP, STEP] },
};

Deno.test("another meaning is refused under the same version, also by UPDATE=1, and new cases are not", async (t) => {
  const [encoded, result, digest] = STEP;
  const cases = BEFORE.cases;
  const changes: readonly (readonly [name: string, change: Partial<Meaning>, needs: string])[] = [
    ["nothing", {}, ""],
    ["a new case", { cases: { ...cases, three: [STEP] } }, ""],
    ["other bytes", { cases: { ...cases, one: [["1;B", result, digest]] } }, "protocol command"],
    ["another result", { cases: { ...cases, two: [STEP, [encoded, null, digest]] } }, "protocol command"],
    ["a case less", { cases: { one: [STEP] } }, "protocol command"],
    ["an entry more", { cases: { ...cases, one: [STEP, STEP] } }, "protocol command"],
    ["a new call", { calls: ["GET", "GETX", "SET"] }, "protocol command"],
    ["another state", { cases: { ...cases, one: [[encoded, result, "01"]] } }, "protocol state"],
    ["another state of other commands", { cases: { ...cases, one: [[encoded, result, "01"]] } }, "protocol command"],
  ];
  for (const [name, change, needs] of changes) {
    await t.step(name, () => {
      const now = { ...BEFORE, ...change };
      const raised = needs.split(" ").filter((version) => version !== "");
      for (const left of raised) {
        const versions = { ...BEFORE.versions };
        for (const version of raised) if (version !== left) versions[version as keyof typeof versions] += 1;
        assert(findObjection(BEFORE, { ...now, versions })?.includes("raise PROTOCOL_VERSION"), `Without ${left}`);
      }
      const versions = { ...BEFORE.versions };
      for (const version of raised) versions[version as keyof typeof versions] += 1;
      assertEquals(findObjection(BEFORE, { ...now, versions }), undefined);
    });
  }
  assertEquals(
    findObjection(BEFORE, { ...BEFORE, versions: { ...BEFORE.versions, protocol: 1 } }),
    "The protocol version went back from 2",
  );
});
