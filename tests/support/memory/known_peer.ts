/** What a transport in memory knows of one peer. */

import type { VersionRange } from "../../../lib/transport/versions.ts";
import type { PeerMessage } from "../../../lib/transport/forward.ts";
import type { PeerInfo, PeerStatus } from "../../../lib/transport/transport.ts";

/** One peer that is listed. */
export interface KnownPeer {
  readonly address: string;
  outbox: PeerMessage[];
  status: PeerStatus | undefined;
  lastAnswer: PeerInfo["lastAnswer"];
  versions: VersionRange | undefined;
  lastContact: number | undefined;
  bytesReceived: number;
  framesDropped: number;
  problem: string | undefined;
}

/** One of which nothing was heard. */
export function unknownPeer(): KnownPeer {
  const unheard = {
    versions: undefined,
    status: undefined,
    lastAnswer: undefined,
    lastContact: undefined,
    problem: undefined,
  };
  return { address: "", outbox: [], bytesReceived: 0, framesDropped: 0, ...unheard };
}
