/** Keyv, which stores what JSON can say under a name space, on @keyv/redis. */

import { loadOperations } from "./load.js";
import { untilGone } from "./protocol.js";

/** Connects a Keyv with the packages `keyv` and `@keyv/redis`. */
function openKeyv({ Keyv, KeyvRedis }, addresses) {
  const { host, port } = addresses[0];
  const store = new KeyvRedis(`redis://${host}:${port}`, {
    throwOnErrors: true,
  });
  const keyv = new Keyv({
    store,
    namespace: "matrix",
    useKeyPrefix: false,
    throwOnErrors: true,
  });
  keyv.on("error", () => {});
  store.on("error", () => {});
  return {
    operations: {
      set: (key, value, ttlMs) => keyv.set(key, value, ttlMs),
      get: (key) => keyv.get(key),
      untilGone: (key) => untilGone(async () => (await keyv.get(key)) ?? null),
      has: (key) => keyv.has(key),
      delete: (key) => keyv.delete(key),
      setMany: (entries) => keyv.setMany(entries),
      getMany: (keys) => keyv.getMany(keys),
      deleteMany: (keys) => keyv.deleteMany(keys),
      clear: () => keyv.clear(),
      async entries() {
        const found = [];
        for await (const entry of keyv.iterator({})) found.push(entry);
        return found.sort();
      },
      ...loadOperations({
        async write(n) {
          if (await keyv.set(`load:${n}`, { n }) !== true) {
            throw new Error("Keyv did not store it");
          }
        },
        read: async (n) => (await keyv.get(`load:${n}`))?.n === n,
      }),
    },
    close: () => keyv.disconnect(),
  };
}

export { openKeyv };
