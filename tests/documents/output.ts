/** Whether commands print what a page shows. */

/** Stands for what varies: any lines where it is alone, else any characters. */
const ANY = "...";

/** Whether the output is one value of JSON, with the names and types that are shown; a list shows what each of its items is. */
export function hasShape(output: string, shown: readonly string[]): boolean {
  try {
    return isAlike(JSON.parse(output), JSON.parse(shown.join("\n")));
  } catch {
    return false; // It is no JSON.
  }
}

function isAlike(value: unknown, shown: unknown): boolean {
  if (Array.isArray(value) && Array.isArray(shown)) {
    return value.length > 0 === shown.length > 0 && value.every((item) => isAlike(item, shown[0]));
  }
  if (!isObject(value) || !isObject(shown)) return typeOf(value) === typeOf(shown);
  const names = Object.keys(shown);
  const isSame = names.sort().join() === Object.keys(value).sort().join();
  return isSame && names.every((name) => isAlike(value[name], shown[name]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeOf(value) === "object";
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}

/** Whether the whole output is as shown; blanks at the ends of lines and empty lines around do not count. */
export function isAsShown(output: string, shown: readonly string[]): boolean {
  const lines = trimmed(output).split("\n");
  const patterns = trimmed(shown.join("\n")).split("\n");
  // reach[n]: the patterns so far can take exactly the first n lines.
  let reach = [true, ...lines.map(() => false)];
  for (const pattern of patterns) {
    reach = pattern.trim() === ANY ? openEnds(reach) : stepOver(reach, lines.map((line) => fits(line, pattern)));
  }
  return reach.at(-1) === true;
}

function trimmed(text: string): string {
  return text.replaceAll(/[ \t\r]+$/gm, "").replaceAll(/^\n+|\n+$/g, "");
}

function openEnds(reach: readonly boolean[]): boolean[] {
  const first = reach.indexOf(true);
  return reach.map((_, index) => first >= 0 && index >= first);
}

function stepOver(reach: readonly boolean[], isFitting: readonly boolean[]): boolean[] {
  return reach.map((_, index) => index > 0 && reach[index - 1] === true && isFitting[index - 1] === true);
}

function fits(line: string, pattern: string): boolean {
  const parts = pattern.split(ANY).map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(line);
}
