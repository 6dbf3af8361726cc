/** Writes one thing after another and counts up until it is told to stop; remembers what was acknowledged. */

import { setTimeout as delay } from "node:timers/promises";

const PAUSE_MS = 5;
const PAUSE_AFTER_ERROR_MS = 30;

/**
 * The operations of the load. `target.write(n)` must store something that `target.read(n)` shows to be there with true;
 * `target.count()`, where there is one, resolves to the next value of a counter; `target.record(n)`, where there is one,
 * names the key and the value of `n`.
 */
function loadOperations(target) {
  const acknowledged = [];
  const counts = [];
  const errors = new Map();
  let running = false;
  let finished = Promise.resolve();

  async function run() {
    for (let n = 1; running; n++) {
      const wrote = await attempt(async () => {
        await target.write(n);
        acknowledged.push(n);
      });
      const counted = target.count === undefined || await attempt(async () => {
        counts.push(await target.count());
      });
      await delay(wrote && counted ? PAUSE_MS : PAUSE_AFTER_ERROR_MS);
    }
  }

  async function attempt(work) {
    try {
      await work();
      return true;
    } catch (error) {
      errors.set(error.message, (errors.get(error.message) ?? 0) + 1);
      return false;
    }
  }

  return {
    start() {
      running = true;
      finished = run();
    },
    progress() {
      const both = target.count === undefined ? acknowledged.length : Math.min(acknowledged.length, counts.length);
      return { acknowledged: both, errors: Object.fromEntries(errors) };
    },
    async stop() {
      running = false;
      await finished;
      const records = target.record === undefined ? [] : acknowledged.map((n) => target.record(n));
      return {
        records,
        counts,
        acknowledged: acknowledged.length,
        errors: Object.fromEntries(errors),
      };
    },
    async missing() {
      const missing = [];
      for (const n of acknowledged) {
        if (await target.read(n) !== true) missing.push(n);
      }
      return missing;
    },
  };
}

/** The load of a client of keys: `set`, `get` and `incr` are its own functions. */
function keyLoad({ set, get, incr }) {
  const key = (n) => `{load}:${n}`;
  const value = (n) => `value of ${n}`;
  return loadOperations({
    async write(n) {
      const reply = String(await set(key(n), value(n)));
      if (reply !== "OK") throw new Error(`SET answered ${reply}`);
    },
    count: () => incr("{load}:counter"),
    read: async (n) => String(await get(key(n))) === value(n),
    record: (n) => [key(n), value(n)],
  });
}

export { keyLoad, loadOperations };
