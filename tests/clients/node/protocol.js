/**
 * What the drivers share: requests as JSON lines on standard input, replies as JSON lines on standard output. A byte
 * string is a JSON string with one character 0x00-0xFF for each byte.
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { createInterface } from "node:readline";

/** The bytes of a byte string. */
function toBytes(text) {
  return Buffer.from(text, "latin1");
}

/** A reply of a client as JSON: bytes become byte strings, maps become pairs, errors `{ error }`. */
function toJson(reply) {
  if (reply === undefined || reply === null) return null;
  if (Buffer.isBuffer(reply) || reply instanceof Uint8Array) {
    return Buffer.from(reply).toString("latin1");
  }
  if (typeof reply === "bigint") return Number(reply);
  if (reply instanceof Error) return { error: reply.message };
  if (Array.isArray(reply)) return reply.map(toJson);
  if (reply instanceof Map) return [...reply].flat().map(toJson);
  return reply;
}

/**
 * Serves requests `{ id, op, args }` from `operations` until standard input ends, then calls `close`. A client of these
 * operations is connected, so `ready` is one more that always succeeds.
 */
async function serve(operations, close) {
  const pending = new Set();
  for await (
    const line of createInterface({ input: process.stdin, terminal: false })
  ) {
    const request = JSON.parse(line);
    const answer = perform(operations, request).finally(() => pending.delete(answer));
    pending.add(answer);
  }
  await Promise.all(pending);
  await close();
  process.exit(0);
}

async function perform(operations, { id, op, args }) {
  try {
    const operation = op === "ready" ? () => true : operations[op];
    if (operation === undefined) {
      throw new Error(`Cannot perform ${op}: this driver does not know it`);
    }
    answer({ id, result: toJson(await operation(...args)) });
  } catch (error) {
    answer({
      id,
      error: error instanceof Error ? `${error.message}` : String(error),
    });
  }
}

function answer(reply) {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

/** Asks again until the key is gone; null then, and the value when it is still there after a second. */
async function untilGone(get) {
  const deadline = performance.now() + 1_000;
  for (;;) {
    const value = await get();
    if (value === null || performance.now() > deadline) return value;
  }
}

export { serve, toBytes, toJson, untilGone };
