/**
 * Runs one client library for a test: `node driver.js <client> <directory of node_modules> <host:port,...>`. It takes
 * operations as JSON lines (protocol.js) and ends with its standard input.
 */

import { createRequire } from "node:module";
import process from "node:process";
import { openSessions } from "./express_sessions.js";
import { openCluster, openPlain } from "./ioredis.js";
import { openKeyv } from "./keyv.js";
import { openVersion4, openVersion5 } from "./node_redis.js";
import { serve } from "./protocol.js";

const [client = "", modules = "", list = ""] = process.argv.slice(2);
// The packages stand elsewhere: an import by name would look for them beside this file.
const require = createRequire(`${modules}/driver.js`);
const addresses = list.split(",").map((address) => {
  const colon = address.lastIndexOf(":");
  return {
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
  };
});

const CLIENTS = {
  ioredis5: () => openPlain(require("ioredis5").Redis, addresses),
  ioredis5Cluster: () => openCluster(require("ioredis5").Cluster, addresses),
  ioredis6: () => openPlain(require("ioredis6").Redis, addresses),
  ioredis6Cluster: () => openCluster(require("ioredis6").Cluster, addresses),
  iovalkey: () => openPlain(require("iovalkey").Redis, addresses),
  iovalkeyCluster: () => openCluster(require("iovalkey").Cluster, addresses),
  redis4: () => openVersion4(require("redis4"), addresses),
  redis5: () => openVersion5(require("redis"), addresses),
  redis5Resp3: () => openVersion5(require("redis"), addresses, { RESP: 3 }),
  redis6: () => openVersion5(require("redis6"), addresses),
  keyv: () =>
    openKeyv({
      Keyv: require("keyv").Keyv,
      KeyvRedis: require("@keyv/redis").default,
    }, addresses),
  expressSessions: () =>
    openSessions({
      express: require("express"),
      session: require("express-session"),
      RedisStore: require("connect-redis").RedisStore,
      createClient: require("redis").createClient,
    }, addresses),
};

const { operations, close } = await CLIENTS[client]();
await serve(operations, close);
