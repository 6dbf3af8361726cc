/** A server in this process whose date is set back by an hour while it runs. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { Connection } from "../support/resp/connection.ts";
import type { Reply } from "../support/resp/reply.ts";
import { startNodeHere } from "../differential/servers.ts";
import { DEADLINE_MS, waitFor } from "../support/wait.ts";

const HOUR_MS = 3_600_000;
/** Long enough for some replies of a busy machine. */
const TTL_MS = 5_000;
/** Nobody asks for this key before it is gone. */
const LAST_TTL_MS = 500;

/** Runs `body` with a switch that sets the date of this process back. */
async function withDate(body: (setBack: (ms: number) => void) => Promise<void>): Promise<void> {
  const real = Date.now;
  try {
    await body((ms) => {
      Date.now = () => real() - ms;
    });
  } finally {
    Date.now = real;
  }
}

function textOf(reply: Reply): string {
  switch (reply.type) {
    case "Integer":
    case "Boolean":
      return String(reply.value);
    case "Null":
      return "(none)";
    case "Array":
    case "Set":
    case "Push":
    case "Map":
      return reply.items.map(textOf).join(" ");
    default:
      return reply.text;
  }
}

Deno.test("a running server whose date is set back by an hour: keys and sessions end in time, and its time never falls", () =>
  withDate(async (setBack) => {
    await using server = await startNodeHere();
    using connection = await Connection.open(server.addresses[0] ?? "");
    /** A reply as text: of several parts with blanks between. */
    const ask = async (...words: readonly string[]): Promise<string> => {
      const [reply] = await connection.exchange([words], DEADLINE_MS);
      return reply === undefined ? "" : textOf(reply);
    };
    const timeMs = async (): Promise<number> => {
      const [seconds, micros] = (await ask("TIME")).split(" ");
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    };
    const session = await ask("SESSION", "OPEN", String(TTL_MS));
    await ask("SET", "long", "v", "EX", "1000");
    const begun = performance.now();
    await ask("SET", "short", "v", "PX", String(TTL_MS));
    const before = await timeMs();
    setBack(HOUR_MS);
    assertEquals(await ask("GET", "short"), "v");
    let last = before;
    const falls: string[] = [];
    await waitFor(async () => {
      const now = await timeMs();
      if (now < last) falls.push(`from ${last} to ${now}`);
      last = now;
      return await ask("GET", "short") === "(none)" || undefined;
    }, { what: "the key expires" });
    assertEquals(falls, [], "TIME fell");
    // The time of a leader that is to be corrected runs by a tenth too slow or too fast.
    assert(performance.now() - begun >= TTL_MS * 0.85);
    assert(last - before < HOUR_MS / 2, "the time has not jumped ahead");
    const left = Number(await ask("PTTL", "long"));
    assert(left > 900_000 && left < 1_000_000, `${left} ms left of 1 000 s`);
    // Opened before the key was stored, for the same time.
    assertStringIncludes(await ask("ONCE", session, "1", "SET", "once", "v"), "NOSESSION");
    assertEquals(await ask("SET", "after", "v", "PX", String(LAST_TTL_MS)), "OK");
    assert(Number(await ask("PTTL", "after")) <= LAST_TTL_MS);
    await waitFor(async () => await ask("GET", "after") === "(none)" || undefined, { what: "a new key expires" });
  }));
