/** node-redis of the major versions 4, 5 and 6: they differ in how bytes are asked for and in what SCAN takes. */

import { Buffer } from "node:buffer";
import { keyLoad } from "./load.js";
import { toBytes, untilGone } from "./protocol.js";

// The first byte of a bulk string in RESP, by which versions 5 and 6 name the type that is to be bytes.
const BULK_STRING = 36;

/** Connects with `createClient` of version 4. */
async function openVersion4(
  { createClient, commandOptions },
  addresses,
) {
  const bytes = commandOptions({ returnBuffers: true });
  return await open(() => createClient({ url: urlOf(addresses[0]) }), {
    reader: (client) => ({
      get: (key) => client.get(bytes, key),
      getDel: (key) => client.getDel(bytes, key),
      getRange: (key, start, end) => client.getRange(bytes, key, start, end),
      mGet: (keys) => client.mGet(bytes, keys),
      scan: (cursor, options) => client.scan(bytes, cursor, options),
      sendCommand: (args) => client.sendCommand(args, bytes),
    }),
    firstCursor: 0,
  });
}

/** Connects with `createClient` of version 5 or 6; `options` are further options of the client. */
async function openVersion5({ createClient }, addresses, options = {}) {
  return await open(
    () => createClient({ url: urlOf(addresses[0]), ...options }),
    {
      reader: (client) => client.withTypeMapping({ [BULK_STRING]: Buffer }),
      firstCursor: "0",
    },
  );
}

function urlOf({ host, port }) {
  return `redis://${host}:${port}`;
}

async function open(make, flavour) {
  const clients = [make(), make()];
  for (const client of clients) {
    // An error without a listener would end the process; the client reconnects by itself.
    client.on("error", () => {});
    await client.connect();
  }
  const [client, other] = clients;
  const reader = flavour.reader(client);
  return {
    operations: {
      ...strings(client, reader),
      ...several(client, reader),
      scan: (pattern, count) => scan(reader, { cursor: flavour.firstCursor, pattern, count }),
      ...transactions(client, other),
      ...keyLoad({
        set: (key, value) => client.set(key, value),
        get: (key) => client.get(key),
        incr: (key) => client.incr(key),
      }),
    },
    close: async () => {
      for (const each of clients) await each.quit();
    },
  };
}

function strings(client, reader) {
  return {
    ping: () => client.ping(),
    set: (key, value) => client.set(toBytes(key), toBytes(value)),
    setEx: (key, value, seconds) => client.set(toBytes(key), toBytes(value), { EX: seconds }),
    setNx: (key, value) => client.set(toBytes(key), toBytes(value), { NX: true }),
    get: (key) => reader.get(toBytes(key)),
    untilGone: (key) => untilGone(() => reader.get(toBytes(key))),
    getDel: (key) => reader.getDel(toBytes(key)),
    append: (key, value) => client.append(toBytes(key), toBytes(value)),
    strlen: (key) => client.strLen(toBytes(key)),
    getRange: (key, start, end) => reader.getRange(toBytes(key), start, end),
    incr: (key) => client.incr(toBytes(key)),
    incrBy: (key, amount) => client.incrBy(toBytes(key), amount),
    decr: (key) => client.decr(toBytes(key)),
    expire: async (key, seconds) => Number(await client.expire(toBytes(key), seconds)),
    ttl: (key) => client.ttl(toBytes(key)),
    pttl: (key) => client.pTTL(toBytes(key)),
    persist: async (key) => Number(await client.persist(toBytes(key))),
    type: (key) => client.type(toBytes(key)),
    rename: (from, to) => client.rename(toBytes(from), toBytes(to)),
  };
}

function several(client, reader) {
  return {
    mset: (pairs) => client.mSet(pairs.map((pair) => pair.map(toBytes))),
    mget: (keys) => reader.mGet(keys.map(toBytes)),
    exists: (keys) => client.exists(keys.map(toBytes)),
    del: (keys) => client.del(keys.map(toBytes)),
    call: (...args) => reader.sendCommand(args.map(toBytes)),
    // Commands of one turn leave in one write.
    pipeline: (key, count) => Promise.all(Array.from({ length: count }, () => client.incr(key))),
  };
}

async function scan(reader, { cursor: first, pattern, count }) {
  const found = [];
  let cursor = first;
  do {
    const page = await reader.scan(cursor, { MATCH: pattern, COUNT: count });
    found.push(...page.keys.map((key) => key.toString("latin1")));
    cursor = typeof first === "number" ? Number(page.cursor) : String(page.cursor);
  } while (String(cursor) !== "0");
  return found.sort();
}

function transactions(client, other) {
  return {
    async transaction(commands) {
      const multi = client.multi();
      for (const [name, ...args] of commands) multi[name](...args);
      try {
        return await multi.exec();
      } catch (error) {
        // Replies of which some are errors come as one error that holds them all.
        if (Array.isArray(error.replies)) return error.replies;
        throw error;
      }
    },
    async watch(key, interfere) {
      await client.watch(key);
      if (interfere) await other.set(key, "theirs");
      try {
        await client.multi().set(key, "ours").exec();
        return "done";
      } catch (error) {
        if (error.constructor.name === "WatchError") return "conflict";
        throw error;
      }
    },
  };
}

export { openVersion4, openVersion5 };
