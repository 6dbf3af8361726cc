/** Configurations with their fields in one order, so that equal ones have equal bytes on every node. */

import type { Configuration, Member } from "../raft/types.ts";

/** An equal configuration whose JSON does not depend on how it was made. */
export function canonicalConfiguration(configuration: Configuration): Configuration {
  const { members, voters, votersOld, learners, clusterId, level, retired, drained } = configuration;
  return {
    members: members.map(canonicalMember),
    voters,
    votersOld,
    learners,
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(level === undefined ? {} : { level }),
    ...(retired === undefined ? {} : { retired }),
    ...(drained === undefined ? {} : { drained }),
  };
}

function canonicalMember({ id, address, clientAddress, httpAddress, identity }: Member): Member {
  return { id, address, clientAddress, ...(httpAddress === undefined ? {} : { httpAddress }), identity };
}
