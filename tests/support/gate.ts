/** The gate of a node for tests: open as long as the node knows of no users. */

import type { Clock } from "../../lib/base/clock.ts";
import { Gate } from "../../lib/access/gate.ts";
import type { KeyValueNode } from "../../lib/node/api.ts";

/** Of the launcher that started the nodes of a test. */
export const TEST_SECRET = "a secret of tests";

const gates = new WeakMap<object, Gate>();

/** The one gate of a node. */
export function gateOf(node: KeyValueNode, clock: Clock): Gate {
  const known = gates.get(node);
  if (known !== undefined) return known;
  const gate = new Gate({
    ...{ node, clock, dateMs: () => node.timeMs(), log: () => {} },
    ...{ secret: "", launcherSecret: TEST_SECRET, awaitsUsers: false },
  });
  gates.set(node, gate);
  return gate;
}
