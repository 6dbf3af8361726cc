/** The form of a report, held against what each of its lines must say. */

/** What a value must be: that text, or one that fits. */
export type Wanted = string | number | RegExp | ((value: string) => boolean);

/** A line that must be there, in this place. */
export type WantedLine = readonly [name: string, value: Wanted];

/** What is wrong with a report of that title and exactly those lines; undefined when nothing is. */
export function flawOfReport(reply: string, title: string, wanted: readonly WantedLine[]): string | undefined {
  const lines = reply.split("\n");
  if (lines.pop() !== "" || lines.pop() !== "") return "it does not end with an empty line";
  if (lines[0] !== title) return `its title is ${JSON.stringify(lines[0])}, not ${title}`;
  const values = lines.slice(1);
  for (const [at, [name, value]] of wanted.entries()) {
    const line = values[at] ?? "";
    if (!line.startsWith(`${name}: `)) return `line ${at + 1} is ${JSON.stringify(line)}, and should be ${name}`;
    const told = line.slice(name.length + 2);
    if (!fits(told, value)) return `${line}${isLiteral(value) ? `, not ${value}` : ", which cannot be"}`;
  }
  return values.length === wanted.length ? undefined : `${values.length} lines, not ${wanted.length}`;
}

/** The number that a line of this name holds, its unit left out. */
export function numberIn(reply: string, name: string): number {
  const line = reply.split("\n").find((candidate) => candidate.startsWith(`${name}: `)) ?? "";
  return Number.parseFloat(line.slice(name.length + 2));
}

function isLiteral(value: Wanted): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

function fits(told: string, value: Wanted): boolean {
  if (isLiteral(value)) return told === `${value}`;
  return typeof value === "function" ? value(told) : value.test(told);
}

/** Bytes as reports show them. */
export function bytesShown(bytes: number): string {
  for (const [unit, size] of [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]] as const) {
    if (bytes >= size) return `${bytes} bytes (${(bytes / size).toFixed(1)} ${unit})`;
  }
  return `${bytes} bytes`;
}

const SECONDS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

/** Whether a duration as reports show it is the whole seconds of one between `[least, most]` milliseconds. */
export function durationBetween(least: number, most: number): (value: string) => boolean {
  return (value) => {
    if (!/^(\d+ d \d\d? h [0-5]?\d m|(\d\d? h [0-5]?\d m |[0-5]?\d m )?[0-5]?\d s)$/.test(value)) return false;
    let seconds = 0;
    for (const [, count, unit] of value.matchAll(/(\d+) ([dhms])/g)) {
      seconds += Number(count) * SECONDS[unit as keyof typeof SECONDS];
    }
    const step = value.endsWith("m") ? 60 : 1;
    return seconds >= Math.floor(least / 1_000 / step) * step && seconds <= most / 1_000;
  };
}
