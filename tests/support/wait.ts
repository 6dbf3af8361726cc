/** Waiting in tests: always for a condition, always with a deadline. */

/** Ends a test that would wait forever. Says nothing of speed: a machine that does other things as well must not reach it. */
export const DEADLINE_MS = 60_000;

/** Resolves after `ms`. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How long and how often `waitFor` looks. */
export interface WaitOptions {
  /** What is waited for; names the failure. */
  readonly what: string;
  /** Default `DEADLINE_MS`. */
  readonly timeoutMs?: number;
  /** Between two looks; default 20. */
  readonly everyMs?: number;
}

/** The first result of `look` that is not undefined. An error of `look` counts as undefined until the deadline. */
export async function waitFor<T>(look: () => Promise<T | undefined> | T | undefined, options: WaitOptions): Promise<T> {
  const { what, timeoutMs = DEADLINE_MS, everyMs = 20 } = options;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`, { cause: last });
    }
    await delay(everyMs);
  }
}

/** `promise`, or a rejection after `timeoutMs`, `DEADLINE_MS` by default. */
export async function withDeadline<T>(
  promise: Promise<T>,
  { what, timeoutMs = DEADLINE_MS }: { readonly what: string; readonly timeoutMs?: number },
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${timeoutMs} ms in vain: ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once `condition` holds, looked at in every turn of the event loop. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  await waitFor(() => condition() ? true : undefined, { what, everyMs: 0 });
}

/** Lets every microtask run. A message channel is the shortest way round the event loop: no timer is waited for. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      port2.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
