/** Whether commands print what a page shows. `...` stands for what varies: any lines where it is alone, else any characters. */

const ANY = "...";

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
