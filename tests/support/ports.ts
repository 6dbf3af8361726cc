/**
 * Free ports for servers that must know their port before they start.
 *
 * Files of tests run side by side, in processes of their own, and a node that was killed leaves its ports to whoever asks next:
 * so each process has ports of its own. The block of a process are all ports with certain last three digits, since a local
 * cluster takes ports that are thousands apart. Whoever listens on the first port of a block owns it.
 */

import { delay } from "./wait.ts";

// Below the range that systems take the ports of outgoing connections from (32768 on Linux, 49152 elsewhere): a node that
// restarts on its port must not find it held by one of the many client connections of a test.
const LOWEST = 11_000;
const HIGHEST = 32_000;
/** Where the ports of a block come again. */
const PERIOD = 1_000;
const BLOCK_LENGTH = 25;

const own = listPorts(takeBlock());
const given = new Set<number>();

/** `count` ports of 127.0.0.1 that nobody listens on, each given once in this process as long as there are others. */
export function findFreePorts(count: number): number[] {
  const ports: number[] = [];
  while (ports.length < count) ports.push(findFreeRun([0]));
  return ports;
}

/**
 * The lowest port P for which P plus each of `offsets` is free: a local cluster takes several ports by rule. Offsets are
 * multiples of 1 000, and up to ten ports from there.
 */
export function findFreeRun(offsets: readonly number[]): number {
  const port = findRun(offsets) ?? startAgain(offsets);
  if (port === undefined) throw new Error(`Cannot find free ports: all ${own.size} of this process are in use`);
  for (const offset of offsets) given.add(port + offset);
  return port;
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
  const listener = tryListen(port);
  listener?.close();
  return listener !== undefined;
}

function findRun(offsets: readonly number[]): number | undefined {
  const isOurs = (port: number) => own.has(port) && !given.has(port) && isFree(port);
  for (const port of own) {
    if (offsets.every((offset) => isOurs(port + offset))) return port;
  }
  return undefined;
}

function startAgain(offsets: readonly number[]): number | undefined {
  given.clear();
  return findRun(offsets);
}

/** The first block that nobody has. It is held until the process ends. */
function takeBlock(): number {
  for (let start = 0; start < PERIOD; start += BLOCK_LENGTH) {
    const listener = tryListen(LOWEST + start);
    if (listener === undefined) continue;
    listener.unref(); // No reason for the process to go on.
    return start;
  }
  throw new Error(`Cannot find free ports: ${PERIOD / BLOCK_LENGTH} processes have all of them`);
}

/** Those of a block, but for the one that is held. */
function listPorts(start: number): ReadonlySet<number> {
  const ports = new Set<number>();
  for (let base = LOWEST + start; base < HIGHEST; base += PERIOD) {
    for (let port = base + 1; port < base + BLOCK_LENGTH; port++) ports.add(port);
  }
  return ports;
}

function tryListen(port: number): Deno.TcpListener | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
