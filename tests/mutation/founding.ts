/** Planted bugs of the beginning of a cluster: servers that lost their directories begin another one. */

import type { Mutation } from "./mutation.ts";

const FOUNDING = "lib/raft/founding.ts";

/** In the order of their numbers. */
export const FOUNDING_SLIPS: readonly Mutation[] = [
  {
    id: "M80",
    what: "A majority of servers that were wiped forms a cluster although another one told them that it has data",
    patches: [{
      file: FOUNDING,
      find: "if (knows.get(peer) !== true) knows.set(peer, knowsCluster);",
      replace: "if (knows.get(peer) !== true) knows.set(peer, knowsCluster && peer < 0);",
    }],
  },
  {
    id: "M81",
    what: "A server that was wiped and was told of data helps another one that was not told to begin a cluster",
    patches: [{
      file: FOUNDING,
      find: "return isBlank(core) && request.lastLogIndex === 0 && findHolder(core) !== undefined;",
      replace: "return isBlank(core) && request.lastLogIndex < 0 && findHolder(core) !== undefined;",
    }],
  },
];
