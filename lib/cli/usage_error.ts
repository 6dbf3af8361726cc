/** The error of a wrong command line, and the search for what may have been meant. */

/** A wrong command line, environment or configuration file: one line for people; exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The candidate with the fewest edits from `word`, the first of equals; undefined without candidates. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions and substitutions between two words; a swap of neighbours counts as one. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Infinity,
      ));
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}

/** Shows what was typed, on one line and at most 60 characters long. */
export function quoteForPeople(typed: string): string {
  const shown = JSON.stringify(typed);
  return shown.length <= 60 ? shown : `${shown.slice(0, 56)}..."`;
}
