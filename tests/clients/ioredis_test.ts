/** ioredis and its descendant iovalkey, to one node and as cluster clients. */

import { KEY_STEPS } from "./support/key_steps.ts";
import { nodeDriver, testClient } from "./support/matrix.ts";

for (const [title, name] of [["ioredis 5", "ioredis5"], ["ioredis 6", "ioredis6"], ["iovalkey", "iovalkey"]] as const) {
  testClient({ title, driver: nodeDriver(name), steps: KEY_STEPS });
  testClient({
    title: `${title} Cluster`,
    driver: nodeDriver(`${name}Cluster`),
    steps: KEY_STEPS,
    clusterClient: true,
  });
}
