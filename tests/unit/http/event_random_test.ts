/** Watchers that come, go, resume, are slow and fast while much is written: each gets exactly what it wants, once. */

import { assertEquals, assertGreater } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { CHANGE_TYPES } from "../../../lib/http/event_stream/filter.ts";
import { EventGround, type TestWatcher, watchEvents } from "../../support/event_watcher.ts";

const SEEDS = 8;
const STEPS = 40;
const FILTERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { prefix: "a" },
  { prefix: "b", types: "put" },
  { types: "delete,expire" },
  { start: "a3", end: "a3\0" },
  { start: "a5", end: "b5" },
];

interface Watching {
  readonly watcher: TestWatcher;
  readonly query: Readonly<Record<string, string>>;
  readonly since: number;
}

/** `type key id` of what a watcher should have got, the id only with the last of an entry. */
function wantedBy({ query, since }: Watching, ground: EventGround): string[] {
  const { prefix = "", start = "", end, types = [...CHANGE_TYPES.keys()].join(",") } = query;
  const wanted: string[] = [];
  for (const { revision, changes } of ground.node.changes.since(since) ?? []) {
    const own = changes.filter(({ key, type }) =>
      key.startsWith(prefix) && key >= start && (end === undefined || key < end) &&
      types.split(",").includes(type.toLowerCase())
    );
    for (const [at, { type, key }] of own.entries()) {
      wanted.push(`${type.toLowerCase()} ${key} ${at === own.length - 1 ? revision : "-"}`);
    }
  }
  return wanted;
}

function write(ground: EventGround, random: Random): void {
  const key = () => `${random.pick(["a", "b"])}${random.below(10)}`;
  if (random.chance(0.15)) ground.call("MSET", key(), "v", key(), "v", key(), "v");
  else if (random.chance(0.2)) ground.call("DEL", key(), key());
  else ground.put(key(), "v".repeat(random.below(60)));
}

async function check(seed: number): Promise<number> {
  const random = new Random(seed);
  const ground = new EventGround();
  const watching: Watching[] = [];
  for (let step = 0; step < STEPS; step++) {
    const writes = random.chance(0.3) ? random.below(3_000) : random.below(30);
    for (let at = 0; at < writes; at++) write(ground, random);
    if (watching.length < 40 && random.chance(0.6)) {
      const query = random.pick(FILTERS);
      const since = random.chance(0.5) ? random.below(ground.node.changes.newest + 1) : undefined;
      const resume = since === undefined ? {} : { lastEventId: `${since}` };
      await Promise.resolve();
      const watcher = await watchEvents(ground, { query, ...resume });
      watching.push({ watcher, query, since: Number(watcher.parser.lastEventId) });
      watcher.isSlow = random.chance(0.5);
    }
    for (const { watcher } of watching) {
      if (random.chance(0.1)) watcher.isSlow = !watcher.isSlow;
      if (random.chance(0.3)) watcher.drain();
    }
    await ground.clock.advance(random.below(60));
  }
  for (const { watcher } of watching) watcher.isSlow = false;
  for (let round = 0; round < 30; round++) {
    for (const { watcher } of watching) watcher.drain();
    await ground.clock.advance(100);
  }
  let told = 0;
  for (const one of watching) {
    const got = one.watcher.changes.map(({ type, data, lastEventId, hasId }) =>
      `${type} ${data["key"]} ${hasId ? lastEventId : "-"}`
    );
    assertEquals(got, wantedBy(one, ground), `seed ${seed}, ${JSON.stringify(one.query)} since ${one.since}`);
    told += got.length;
  }
  ground.close(...watching.map(({ watcher }) => watcher));
  return told;
}

Deno.test(`${SEEDS} random crowds of watchers: each is told everything it wants, once, in order`, async () => {
  let told = 0;
  for (let seed = 1; seed <= SEEDS; seed++) told += await check(seed);
  assertGreater(told, 30_000);
});
