/** Writes lines for people: results to standard output, progress and errors to standard error. */

const encoder = new TextEncoder();

/** One line to standard output. */
export function print(line: string): void {
  write(Deno.stdout, line);
}

/** One line to standard error. */
export function note(line: string): void {
  write(Deno.stderr, line);
}

function write(target: { writeSync(bytes: Uint8Array): number }, line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  for (let sent = 0; sent < bytes.length;) sent += target.writeSync(bytes.subarray(sent));
}
