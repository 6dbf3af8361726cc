/** Debian's python3-redis. */

import { KEY_STEPS } from "./support/key_steps.ts";
import { testClient } from "./support/matrix.ts";
import { SCRIPTS } from "./support/scripts.ts";
import { REDIS_PY } from "../support/needs.ts";

testClient({
  title: "python3-redis",
  needs: [REDIS_PY],
  driver: (addresses) => ["/usr/bin/python3", `${SCRIPTS}/redis_py.py`, addresses],
  steps: KEY_STEPS,
});
