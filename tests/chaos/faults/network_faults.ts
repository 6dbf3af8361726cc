/** Partitions of every shape, broken connections and slow ones. The clients still reach every node. */

import type { Random } from "../../../lib/base/random.ts";
import { delay } from "../../support/wait.ts";
import type { ProxyEffects } from "../../support/proxy/peer_proxy.ts";
import { type Effect, type Fault, type Running, shuffled, type Stage } from "./fault.ts";

const CUT_MS = { least: 300, most: 3_000 } as const;
/** Long enough for another leader. */
const LONG_CUT_MS = { least: 1_200, most: 3_000 } as const;
const FLAP_MS = { least: 50, most: 400 } as const;
const FLAPS = { least: 3, most: 8 } as const;
const BREAKS = { least: 2, most: 6 } as const;
const DELAY_MS = { least: 5, most: 150 } as const;
/** So little at a time that a batch of entries takes longer than a heartbeat. */
const CLOGGED = { delayMs: 25, bytesMax: 700 } as const;
const WHOLE_BYTES = 65_536;

/** One direction between two nodes. */
type Direction = readonly [from: number, to: number];

/** Faults of this kind. */
export const NETWORK_FAULTS: readonly Fault[] = [
  cutting("split", (stage, random) => {
    const ids = shuffled(stage.fleet.ids, random);
    const minority = random.between(1, Math.floor((ids.length - 1) / 2));
    return Promise.resolve(between(ids.slice(0, minority), ids.slice(minority)));
  }),
  cutting("isolate-leader", async (stage) => {
    const leader = await stage.fleet.knownLeader();
    return leader === undefined ? undefined : between([leader], stage.fleet.ids.filter((id) => id !== leader));
  }, LONG_CUT_MS),
  cutting("isolate-all", ({ fleet: { ids } }) => Promise.resolve(pairs(ids))),
  cutting("one-way", async (stage, random) => {
    const victim = random.chance(0.5) ? await stage.fleet.leader(random) : random.pick(stage.fleet.ids);
    const others = shuffled(stage.fleet.ids.filter((id) => id !== victim), random);
    const some = others.slice(0, random.between(1, others.length));
    const mute = random.chance(0.5);
    return some.map((other): Direction => mute ? [victim, other] : [other, victim]);
  }),
  cutting("bridge", (stage, random) => {
    const [, ...others] = shuffled(stage.fleet.ids, random);
    const half = Math.ceil(others.length / 2);
    return Promise.resolve(between(others.slice(0, half), others.slice(half)));
  }),
  cutting("ring", (stage, random) => Promise.resolve(ring(shuffled(stage.fleet.ids, random)))),
  { name: "flapping", begin: flap },
  { name: "reset", begin: breakAgainAndAgain },
  slowing(
    { name: "delay", countOf: ({ slowed }) => slowed },
    (random) => ({ delayMs: random.between(DELAY_MS.least, DELAY_MS.most), bytesMax: WHOLE_BYTES }),
  ),
  slowing({ name: "clog", countOf: ({ split }) => split }, () => CLOGGED),
];

function cutting(
  name: string,
  shape: (stage: Stage, random: Random) => Promise<readonly Direction[] | undefined>,
  duration: { readonly least: number; readonly most: number } = CUT_MS,
): Fault {
  return {
    name,
    begin: async (stage, random) => {
      const lastsMs = random.between(duration.least, duration.most);
      const directions = await shape(stage, random);
      if (directions === undefined) return undefined;
      const effect = effectOn(stage, directions, ({ heldBack }) => heldBack);
      cut(stage, directions);
      return {
        detail: `${namesOf(directions)} for ${lastsMs} ms`,
        lastsMs,
        end: () => Promise.resolve(mend(stage, directions)),
        effect,
      };
    },
  };
}

/** Every node reaches two others: its neighbours, or with three nodes only the next one, and is reached by the one before. */
function ring(ids: readonly number[]): readonly Direction[] {
  const count = ids.length;
  const far = (from: number, to: number): boolean => {
    const steps = (to - from + count) % count;
    return count <= 3 ? steps === count - 1 : steps > 1 && steps < count - 1;
  };
  return ids.flatMap((from, at) => ids.filter((_, other) => far(at, other)).map((to): Direction => [from, to]));
}

function flap(stage: Stage, random: Random): Promise<Running | undefined> {
  const { fleet } = stage;
  const victim = random.pick(fleet.ids);
  const directions = between([victim], fleet.ids.filter((id) => id !== victim));
  const effect = effectOn(stage, directions, ({ heldBack }) => heldBack);
  const times = Array.from({ length: 2 * random.between(FLAPS.least, FLAPS.most) }, () => {
    return random.between(FLAP_MS.least, FLAP_MS.most);
  });
  const flapping = (async () => {
    for (const [at, time] of times.entries()) {
      if (at % 2 === 0) cut(stage, directions);
      else mend(stage, directions);
      await delay(time);
    }
  })();
  const detail = `node ${victim} ${times.length / 2} times`;
  // It ends by itself: then it has been felt or was not.
  const felt = (): Effect => effect() === "felt" ? "felt" : "not-felt";
  return Promise.resolve({ detail, lastsMs: 0, end: () => flapping, effect: felt });
}

function breakAgainAndAgain({ fleet }: Stage, random: Random): Promise<Running | undefined> {
  const breaks = Array.from({ length: random.between(BREAKS.least, BREAKS.most) }, () => {
    const [first = 0, second = 0] = shuffled(fleet.ids, random);
    return { first, second, pauseMs: random.between(FLAP_MS.least, FLAP_MS.most) };
  });
  let broken = 0;
  const breaking = (async () => {
    for (const { first, second, pauseMs } of breaks) {
      broken += fleet.proxy.breakConnections(first, second);
      await delay(pauseMs);
    }
  })();
  const detail = breaks.map(({ first, second }) => `${first}-${second}`).join(" ");
  const effect = (): Effect => broken > 0 ? "felt" : "not-felt";
  return Promise.resolve({ detail, lastsMs: 0, end: () => breaking, effect });
}

function slowing(
  { name, countOf }: { readonly name: string; readonly countOf: (effects: ProxyEffects) => number },
  slownessOf: (random: Random) => { readonly delayMs: number; readonly bytesMax: number },
): Fault {
  return {
    name,
    begin: (stage, random) => {
      const { fleet } = stage;
      const all = pairs(fleet.ids);
      const some = random.chance(0.3) ? all : shuffled(all, random).slice(0, random.between(1, all.length));
      const lastsMs = random.between(CUT_MS.least, CUT_MS.most);
      const slowness = slownessOf(random);
      const effect = effectOn(stage, some, countOf);
      for (const [from, to] of some) fleet.proxy.slowDown(from, to, slowness);
      return Promise.resolve({
        detail: `${namesOf(some)}: ${slowness.bytesMax} bytes each ${slowness.delayMs} ms for ${lastsMs} ms`,
        lastsMs,
        end: () => {
          for (const [from, to] of some) fleet.proxy.speedUp(from, to);
          return Promise.resolve();
        },
        effect,
      });
    },
  };
}

/** Felt as soon as what is counted on one of the directions is more than now. */
function effectOn(
  { fleet }: Stage,
  directions: readonly Direction[],
  countOf: (effects: ProxyEffects) => number,
): () => Effect {
  const count = () => directions.reduce((sum, [from, to]) => sum + countOf(fleet.proxy.effects(from, to)), 0);
  const before = count();
  return () => count() > before ? "felt" : "pending";
}

function cut({ fleet }: Stage, directions: readonly Direction[]): void {
  for (const [from, to] of directions) fleet.proxy.cut(from, to);
}

function mend({ fleet }: Stage, directions: readonly Direction[]): void {
  for (const [from, to] of directions) fleet.proxy.mend(from, to);
}

function pairs(ids: readonly number[]): Direction[] {
  return ids.flatMap((from) => ids.filter((to) => to !== from).map((to): Direction => [from, to]));
}

/** Both directions between each of the one side and each of the other. */
function between(left: readonly number[], right: readonly number[]): Direction[] {
  return left.flatMap((one) => right.flatMap((other): Direction[] => [[one, other], [other, one]]));
}

function namesOf(directions: readonly Direction[]): string {
  return directions.map(([from, to]) => `${from}>${to}`).join(" ");
}
