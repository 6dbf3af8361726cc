/** Planted bugs of the writes that followers pass on to the leader. */

import type { Mutation } from "./mutation.ts";

/** In the order of their numbers. */
export const FORWARDING_SLIPS: readonly Mutation[] = [
  {
    id: "M32",
    what: "Writes that were passed on are done again when their frame comes a second time",
    patches: [{
      file: "lib/node/writes/forwarded_writes.ts",
      find: "if (id <= last) return false;",
      replace: "if (id + last < 0) return false;",
    }],
  },
];
