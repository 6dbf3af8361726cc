/** node-redis of three major versions; the last speaks RESP3 by itself. */

import { KEY_STEPS } from "./support/key_steps.ts";
import { nodeDriver, testClient } from "./support/matrix.ts";

testClient({ title: "redis 4", driver: nodeDriver("redis4"), steps: KEY_STEPS });
testClient({ title: "redis 5", driver: nodeDriver("redis5"), steps: KEY_STEPS });
testClient({ title: "redis 5 with RESP3", driver: nodeDriver("redis5Resp3"), steps: KEY_STEPS });
testClient({ title: "redis 6", driver: nodeDriver("redis6"), steps: KEY_STEPS });
