/** What a node says of itself in each handshake. */

import { stringToBytes, textToByteString } from "../../base/bytes.ts";
import { checksum } from "../../base/checksum.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { Configuration, Member } from "../../raft/types.ts";
import type { Recovered } from "../../storage/storage.ts";
import type { Greeting } from "../../transport/transport.ts";
import { HAS_ZSTD } from "../../storage/block_codec.ts";
import { SPOKEN_VERSIONS } from "../../transport/versions.ts";
import { configurationOf, type NodeOptions } from "../options.ts";

/** Whether the configuration lists this very directory as a voter's, and not the one that was lost. */
function votesUnder({ ownership: { nodeId, identity } }: Recovered, configuration: Configuration): boolean {
  const member = configuration.members.find(({ id }) => id === nodeId);
  return configuration.voters.includes(nodeId) && member?.identity === identity;
}

/** The greeting of this life of the node; part of it changes while it lives. */
export function makeGreeting({ recovered, options, raft, incarnation }: {
  readonly recovered: Recovered;
  readonly options: NodeOptions;
  readonly raft: RaftNode;
  readonly incarnation: number;
}): Greeting {
  const own = options.members.find((member) => member.id === options.nodeId);
  // Who joins was not given the list of those that found the cluster.
  const fingerprint = options.join === undefined ? fingerprintOf(options.members) : "";
  return {
    versions: options.versions ?? SPOKEN_VERSIONS,
    get clusterId(): string {
      return raft.clusterId ?? "";
    },
    clusterName: options.clusterId ?? recovered.ownership.clusterName,
    nodeId: options.nodeId,
    incarnation,
    identity: recovered.ownership.identity,
    get rejoin(): boolean {
      return recovered.initialConfiguration.members.length === 0 && !votesUnder(recovered, raft.configuration);
    },
    ...(options.join === undefined ? {} : { joins: true, staysLearner: options.join.staysLearner }),
    ...(options.readsZstd ?? HAS_ZSTD ? { readsZstd: true } : {}),
    get configurationIndex(): number {
      return raft.configurationIndex;
    },
    get membersFingerprint(): string {
      const recorded = raft.configuration.members.find(({ id }) => id === options.nodeId)?.identity;
      return recorded === recovered.ownership.identity ? "" : fingerprint;
    },
    clientAddress: own?.clientAddress ?? "",
    peerAddress: own?.address ?? "",
    ...(options.httpAddress ? { httpAddress: options.httpAddress } : {}),
  };
}

function fingerprintOf(members: readonly Member[]): string {
  const { members: sorted }: Configuration = configurationOf(members);
  const text = sorted.map((member) => `${member.id}=${member.address}`).join(",");
  return checksum(stringToBytes(textToByteString(text))).toString(16).padStart(8, "0");
}
