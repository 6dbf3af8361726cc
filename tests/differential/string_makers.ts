/** Makes the commands on strings. */

import type { Draw, TimeKind } from "./draw.ts";

/** Makes one command; `weight` says how often, in proportion. */
export interface Maker {
  readonly weight: number;
  readonly make: (draw: Draw) => readonly string[];
}

const TIME_OPTIONS: readonly (readonly [string, Omit<TimeKind, "isPositive">])[] = [
  ["EX", { unit: "s", isAbsolute: false }],
  ["PX", { unit: "ms", isAbsolute: false }],
  ["EXAT", { unit: "s", isAbsolute: true }],
  ["PXAT", { unit: "ms", isAbsolute: true }],
];
const SET_FLAGS: readonly string[] = ["NX", "XX", "GET", "KEEPTTL", "NX", "XX", "GET", "KEEPTTL", "PERSIST", "foo", ""];
const OFFSETS: readonly string[] = ["0", "1", "3", "12", "100", "-1", "-5", "2", "7"];
/** Longer than any server takes; what only KVStore's smaller limit refuses is not drawn. */
const HUGE_OFFSETS: readonly string[] = ["536870912", "9223372036854775807", "2147483648000"];

/** An option for a time, with its time most of the time. */
function timeOption(draw: Draw): string[] {
  const [name, kind] = draw.pick(TIME_OPTIONS);
  const option = draw.anyCase(name);
  return draw.chance(0.95) ? [option, draw.time({ ...kind, isPositive: true })] : [option];
}

function setOptions(draw: Draw): string[] {
  const options: string[] = [];
  while (draw.chance(0.45)) {
    if (draw.chance(0.45)) options.push(...timeOption(draw));
    else options.push(draw.anyCase(draw.pick(SET_FLAGS)));
  }
  return options;
}

function getExOptions(draw: Draw): string[] {
  if (draw.chance(0.25)) return [];
  if (draw.chance(0.25)) return [draw.anyCase("PERSIST")];
  const options = draw.chance(0.9) ? timeOption(draw) : [draw.pick(["NX", "bad", "GET", "KEEPTTL"])];
  return draw.chance(0.1) ? [...options, ...timeOption(draw)] : options;
}

function pairs(draw: Draw): string[] {
  return Array.from({ length: draw.between(1, 3) }, () => [draw.key(), draw.value()]).flat();
}

function offset(draw: Draw): string {
  return draw.chance(0.1) ? draw.pick([...HUGE_OFFSETS, "abc", "", "1.5"]) : draw.pick(OFFSETS);
}

/** The makers of commands on strings. */
export const STRING_MAKERS: readonly Maker[] = [
  { weight: 8, make: (draw) => ["GET", draw.key()] },
  { weight: 7, make: (draw) => ["SET", draw.key(), draw.value()] },
  { weight: 10, make: (draw) => ["SET", draw.key(), draw.value(), ...setOptions(draw)] },
  { weight: 3, make: (draw) => ["SETNX", draw.key(), draw.value()] },
  {
    weight: 3,
    make: (draw) => ["SETEX", draw.key(), draw.time({ unit: "s", isAbsolute: false, isPositive: true }), draw.value()],
  },
  {
    weight: 2,
    make: (
      draw,
    ) => ["PSETEX", draw.key(), draw.time({ unit: "ms", isAbsolute: false, isPositive: true }), draw.value()],
  },
  { weight: 3, make: (draw) => ["GETSET", draw.key(), draw.value()] },
  { weight: 3, make: (draw) => ["GETDEL", draw.key()] },
  { weight: 5, make: (draw) => ["GETEX", draw.key(), ...getExOptions(draw)] },
  { weight: 4, make: (draw) => ["MGET", ...draw.several(1, 4)] },
  { weight: 4, make: (draw) => ["MSET", ...pairs(draw)] },
  { weight: 1, make: (draw) => ["MSET", ...pairs(draw), draw.key()] },
  { weight: 3, make: (draw) => ["MSETNX", ...pairs(draw)] },
  { weight: 1, make: (draw) => ["MSETNX", ...pairs(draw), draw.key()] },
  { weight: 5, make: (draw) => ["APPEND", draw.key(), draw.value()] },
  { weight: 3, make: (draw) => ["STRLEN", draw.key()] },
  { weight: 3, make: (draw) => ["GETRANGE", draw.key(), draw.integer(), draw.integer()] },
  { weight: 3, make: (draw) => ["GETRANGE", draw.key(), draw.pick(OFFSETS), draw.pick(OFFSETS)] },
  { weight: 5, make: (draw) => ["SETRANGE", draw.key(), offset(draw), draw.value()] },
  { weight: 6, make: (draw) => ["INCR", draw.key()] },
  { weight: 4, make: (draw) => ["DECR", draw.key()] },
  { weight: 6, make: (draw) => ["INCRBY", draw.key(), draw.integer()] },
  { weight: 5, make: (draw) => ["DECRBY", draw.key(), draw.integer()] },
  { weight: 6, make: (draw) => ["INCRBYFLOAT", draw.key(), draw.float()] },
];
