// deno-lint-ignore-file no-explicit-any -- constructor parameters can only be named `any[]` in a class constraint.
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;
/** Fails unless `condition` is true. */
export function assert(condition: unknown, message?: string): asserts condition;
/** Fails unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
/** Fails for null and undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
/** Fails unless actual > expected. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void;
/** Fails unless actual >= expected. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
/** Fails unless `actual` is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: abstract new (...args: any[]) => T,
  message?: string,
): asserts actual is T;
/** Fails unless actual < expected. */
export function assertLess<T>(actual: T, expected: T, message?: string): void;
/** Fails unless actual <= expected. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
/** Fails unless the pattern matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
/** Fails when both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
/** Fails unless the promise rejects, with the class and text if given. Resolves to the error. */
export function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
/** Fails unless `run` throws, with the class and text if given. Returns the error. */
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  errorClass?: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): E;
/** Always fails. */
export function fail(message?: string): never;
