/** Free ports for servers that must know their port before they start. */

import { delay } from "./wait.ts";

// Below the range that systems take the ports of outgoing connections from (32768 on Linux, 49152 elsewhere): a node that
// restarts on its port must not find it held by one of the many client connections of a test.
const LOWEST = 11_000;
const HIGHEST = 32_000;
const ATTEMPTS_MAX = 200;
/** The last port of a run may be far from its first, with free ones between them. */
const STEP_MAX = 100;

let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));

/** `count` ports of 127.0.0.1 that nobody listens on, each given once in this process. */
export function findFreePorts(count: number): number[] {
  const ports: number[] = [];
  while (ports.length < count) ports.push(findFreeRun([0]));
  return ports;
}

/**
 * The lowest port P for which P plus each of `offsets` is free: a local cluster takes several ports by rule.
 */
export function findFreeRun(offsets: readonly number[]): number {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = takeNext(1 + Math.max(...offsets));
    if (offsets.every((offset) => isFree(port + offset))) return port;
  }
  throw new Error(`Cannot find free ports: gave up after ${ATTEMPTS_MAX} attempts`);
}

/** Resolves once nobody listens on the port any more; rejects after `timeoutMs`. */
export async function waitUntilFree(port: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isFree(port)) {
    if (performance.now() > deadline) throw new Error(`Port ${port} is still in use after ${timeoutMs} ms`);
    await delay(10);
  }
}

/** Whether the port can be listened on now. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

function takeNext(length: number): number {
  if (next + length > HIGHEST) next = LOWEST;
  const port = next;
  next += Math.min(length, STEP_MAX);
  return port;
}
