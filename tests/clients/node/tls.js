/**
 * Clients of Redis over TLS: `node tls.js <directory of node_modules> <port> <file of the CA> <file of another>`. Prints for each client
 * what it read, or why it did not, with the right CA and with the other.
 */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

const [modules = "", port = "", ...files] = process.argv.slice(2);
const require = createRequire(`${modules}/tls.js`);
const address = { host: "localhost", port: Number(port) };
const VALUE = Buffer.alloc(300_000, "x");
const COUNT = 100;

const CLIENTS = {
  ioredis5: (ca) => useIoredis(require("ioredis5").Redis, ca),
  ioredis6: (ca) => useIoredis(require("ioredis6").Redis, ca),
  iovalkey: (ca) => useIoredis(require("iovalkey").Redis, ca),
  redis4: (ca) => useNodeRedis(require("redis4"), ca),
  redis5: (ca) => useNodeRedis(require("redis"), ca),
  redis6: (ca) => useNodeRedis(require("redis6"), ca),
};

async function useIoredis(Redis, ca) {
  const client = new Redis({
    ...address,
    tls: { ca },
    lazyConnect: true,
    retryStrategy: () => null,
  });
  const failed = new Promise((_, reject) => client.on("error", reject));
  failed.catch(() => {});
  await Promise.race([client.connect(), failed]);
  await client.set("long", VALUE);
  const pipeline = client.pipeline();
  for (let n = 0; n < COUNT; n++) pipeline.incr("count");
  const replies = await pipeline.exec();
  const long = await client.getBuffer("long");
  await client.quit();
  return [long.equals(VALUE), replies.length];
}

async function useNodeRedis({ createClient }, ca) {
  const client = createClient({
    socket: { ...address, tls: true, ca, reconnectStrategy: false },
  });
  client.on("error", () => {});
  await client.connect();
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
  results[name] = [];
  for (const file of files) {
    results[name].push(
      await use(readFileSync(file)).catch((error) => error.code),
    );
  }
}
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
