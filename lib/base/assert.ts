/** Assertions about our own code: a failure is a bug of ours and ends the process, with the disk still valid. */

/** Thrown when an assertion fails; never caught below `main.ts`. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws `AssertionFailure` with `message` unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Throws `AssertionFailure`: for a check so frequent that the text of its failure must not be made each time. */
export function fail(message: string): never {
  throw new AssertionFailure(message);
}

/** Ends every switch over a union, so that a forgotten case does not compile. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`Unreachable case: ${JSON.stringify(value)}`);
}
