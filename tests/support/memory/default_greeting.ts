/** What a node of a network in memory says of itself where a test does not care. */

import type { NodeId } from "../../../lib/raft/types.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import { SPOKEN_VERSIONS } from "../../../lib/transport/versions.ts";

/** A greeting of a node that knows no cluster and has no address for clients. */
export function defaultGreeting(nodeId: NodeId): Greeting {
  return {
    versions: SPOKEN_VERSIONS,
    clusterId: "",
    clusterName: "memory",
    nodeId,
    incarnation: 0,
    identity: "",
    rejoin: false,
    configurationIndex: 0,
    membersFingerprint: "",
    clientAddress: "",
    peerAddress: `node${nodeId}:1`,
  };
}
