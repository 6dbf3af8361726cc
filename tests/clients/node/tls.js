/**
 * Clients of Redis over TLS: `node tls.js <directory of node_modules> <port> <user:password> <file of the CA> <file of another>`. Prints for
 * each client what it read, or why it did not: without a login, with one, and with the other CA.
 */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

const [modules = "", port = "", credentials = "", own = "", other = ""] = process.argv.slice(2);
const [username, password] = credentials.split(":");
const LOGIN = { username, password };
const require = createRequire(`${modules}/tls.js`);
const address = { host: "localhost", port: Number(port) };
const VALUE = Buffer.alloc(300_000, "x");
const COUNT = 100;

const CLIENTS = {
  ioredis5: (how) => useIoredis(require("ioredis5").Redis, how),
  ioredis6: (how) => useIoredis(require("ioredis6").Redis, how),
  iovalkey: (how) => useIoredis(require("iovalkey").Redis, how),
  redis4: (how) => useNodeRedis(require("redis4"), how),
  redis5: (how) => useNodeRedis(require("redis"), how),
  redis6: (how) => useNodeRedis(require("redis6"), how),
};

async function useIoredis(Redis, { ca, login }) {
  const client = new Redis({
    ...address,
    ...login,
    tls: { ca },
    lazyConnect: true,
    retryStrategy: () => null,
  });
  const failed = new Promise((_, reject) => client.on("error", reject));
  failed.catch(() => {});
  await Promise.race([client.connect(), failed]);
  await client.get("long");
  await client.set("long", VALUE);
  const pipeline = client.pipeline();
  for (let n = 0; n < COUNT; n++) pipeline.incr("count");
  const replies = await pipeline.exec();
  const long = await client.getBuffer("long");
  await client.quit();
  return [long.equals(VALUE), replies.length];
}

async function useNodeRedis({ createClient }, { ca, login }) {
  const client = createClient({
    ...login,
    socket: { ...address, tls: true, ca, reconnectStrategy: false },
  });
  client.on("error", () => {});
  await client.connect();
  await client.get("long");
  await client.set("long", VALUE);
  const replies = await Promise.all(
    Array.from({ length: COUNT }, () => client.incr("count")),
  );
  const long = await client.get("long");
  await (client.close ?? client.quit).call(client);
  return [long === VALUE.toString(), replies.length];
}

const results = {};
for (const [name, use] of Object.entries(CLIENTS)) {
  const ways = [{ ca: readFileSync(own), login: {} }, { ca: readFileSync(own), login: LOGIN }, {
    ca: readFileSync(other),
    login: LOGIN,
  }];
  results[name] = [];
  for (const way of ways) {
    results[name].push(
      await use(way).catch((error) => error.code ?? error.message),
    );
  }
}
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
