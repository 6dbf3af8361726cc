/** Configurations with their fields in one order, so that equal ones have equal bytes on every node. */

import type { Configuration } from "../raft/types.ts";

/** An equal configuration whose JSON does not depend on how it was made. */
export function canonicalConfiguration(configuration: Configuration): Configuration {
  const { members, voters, votersOld, learners } = configuration;
  return {
    members: members.map(({ id, address, clientAddress, identity }) => ({ id, address, clientAddress, identity })),
    voters,
    votersOld,
    learners,
  };
}
