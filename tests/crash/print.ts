/** Tells what was counted: numbers that a reader of the log compares with those of the run before. */

/** One line on standard output, past the output of the test runner. */
export function print(subject: string, counted: object): void {
  const numbers = Object.entries(counted).map(([name, value]) => `${name} ${value}`).join(", ");
  Deno.stdout.writeSync(new TextEncoder().encode(`crash: ${subject}: ${numbers}\n`));
}
