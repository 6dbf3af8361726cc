/** ioredis and its descendant iovalkey, to one address or as a cluster client. */

import { keyLoad } from "./load.js";
import { toBytes, untilGone } from "./protocol.js";

/** Connects with the class `Redis` of a package. Resolves to the operations and how to close. */
async function openPlain(Redis, addresses) {
  const { host, port } = addresses[0];
  return await open(() => new Redis({ host, port, lazyConnect: true }));
}

/** Connects with the class `Cluster` of a package, which is told every address. */
async function openCluster(Cluster, addresses) {
  return await open(() => new Cluster(addresses, { lazyConnect: true }));
}

async function open(make) {
  const clients = [make(), make()];
  // Without a listener each lost connection is written to standard error.
  for (const client of clients) client.on("error", () => {});
  for (const client of clients) await client.connect();
  const [client, other] = clients;
  return {
    operations: {
      ...strings(client),
      ...several(client),
      ...transactions(client, other),
      ...load(client),
    },
    close: async () => {
      for (const each of clients) await each.quit();
    },
  };
}

function strings(client) {
  return {
    ping: () => client.ping(),
    set: (key, value) => client.set(toBytes(key), toBytes(value)),
    setEx: (key, value, seconds) => client.set(toBytes(key), toBytes(value), "EX", seconds),
    setNx: (key, value) => client.set(toBytes(key), toBytes(value), "NX"),
    get: (key) => client.getBuffer(toBytes(key)),
    untilGone: (key) => untilGone(() => client.getBuffer(toBytes(key))),
    getDel: (key) => client.getdelBuffer(toBytes(key)),
    append: (key, value) => client.append(toBytes(key), toBytes(value)),
    strlen: (key) => client.strlen(toBytes(key)),
    getRange: (key, start, end) => client.getrangeBuffer(toBytes(key), start, end),
    incr: (key) => client.incr(toBytes(key)),
    incrBy: (key, amount) => client.incrby(toBytes(key), amount),
    decr: (key) => client.decr(toBytes(key)),
    expire: (key, seconds) => client.expire(toBytes(key), seconds),
    ttl: (key) => client.ttl(toBytes(key)),
    pttl: (key) => client.pttl(toBytes(key)),
    persist: (key) => client.persist(toBytes(key)),
    type: (key) => client.type(toBytes(key)),
    rename: (from, to) => client.rename(toBytes(from), toBytes(to)),
  };
}

function several(client) {
  return {
    mset: (pairs) => client.mset(pairs.flat().map(toBytes)),
    mget: (keys) => client.mgetBuffer(keys.map(toBytes)),
    exists: (keys) => client.exists(...keys.map(toBytes)),
    del: (keys) => client.del(...keys.map(toBytes)),
    // A cluster client takes the key's place from what it knows of the command.
    call: (name, ...args) => client.callBuffer(name, ...args.map(toBytes)),
    scan: (pattern, count) => scan(client, pattern, count),
    async pipeline(key, count) {
      const pipeline = client.pipeline();
      for (let n = 0; n < count; n++) pipeline.incr(key);
      return (await pipeline.exec()).map(([error, reply]) => error ?? reply);
    },
  };
}

async function scan(client, pattern, count) {
  const node = client.nodes === undefined ? client : client.nodes("master")[0];
  const found = [];
  let cursor = "0";
  do {
    const [next, keys] = await node.scanBuffer(
      cursor,
      "MATCH",
      pattern,
      "COUNT",
      count,
    );
    found.push(...keys.map((key) => key.toString("latin1")));
    cursor = String(next);
  } while (cursor !== "0");
  return found.sort();
}

function transactions(client, other) {
  return {
    async transaction(commands) {
      const multi = client.multi();
      for (const [name, ...args] of commands) multi[name](...args);
      return (await multi.exec()).map(([error, reply]) => error ?? reply);
    },
    async watch(key, interfere) {
      await client.watch(key);
      if (interfere) await other.set(key, "theirs");
      const replies = await client.multi().set(key, "ours").exec();
      return replies === null ? "conflict" : "done";
    },
  };
}

function load(client) {
  return keyLoad({
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    incr: (key) => client.incr(key),
  });
}

export { openCluster, openPlain };
