/** Waiting in tests: always for a condition, always with a deadline. */

/** Resolves after `ms`. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How long and how often `waitFor` looks. */
export interface WaitOptions {
  /** What is waited for; names the failure. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Between two looks; default 20. */
  readonly everyMs?: number;
}

/** The first result of `look` that is not undefined. An error of `look` counts as undefined until the deadline. */
export async function waitFor<T>(look: () => Promise<T | undefined> | T | undefined, options: WaitOptions): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Waited ${options.timeoutMs} ms in vain: ${options.what}`, { cause: last });
    }
    await delay(options.everyMs ?? 20);
  }
}

/** `promise`, or a rejection after `timeoutMs`. */
export async function withDeadline<T>(promise: Promise<T>, options: { what: string; timeoutMs: number }): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${options.timeoutMs} ms in vain: ${options.what}`)),
      options.timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
