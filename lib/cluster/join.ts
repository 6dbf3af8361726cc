/** Before a new node of a cluster that exists can open its directory: asks the cluster for an id that no server has or had. */

import type { Clock } from "../base/clock.ts";
import { randomDigits } from "../node/core.ts";
import { IDENTITY_DIGITS } from "../node/start_node.ts";
import type { Log } from "../observe/log.ts";
import type { NodeId } from "../raft/types.ts";
import { LargeTurns } from "../transport/large_turns.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../transport/limits.ts";
import { askServer } from "../transport/seeds.ts";
import { SPOKEN_VERSIONS } from "../transport/versions.ts";
import { type SecretOptions, secretsOf } from "./cluster_secret.ts";
import { PeerTls } from "./peer_tls.ts";
import { randomNumber } from "./random_number.ts";
import type { ServerOptions } from "./server_types.ts";

/** How long a node that joins looks for a leader. */
export const JOIN_MS = 60_000;
/** Between two rounds through all addresses. */
const ROUND_MS = 500;

/** The cluster will not take this node, or nobody answers: in words. */
export class JoinError extends Error {
  override readonly name = "JoinError";
  constructor(message: string, readonly isRefusal: boolean) {
    super(message);
  }
}

/** What the answer is needed for. */
export interface Joining {
  readonly options: SecretOptions & Pick<ServerOptions, "members" | "nodeId" | "clusterId" | "peerTls" | "host">;
  /** Addresses of peer ports of the cluster. */
  readonly seeds: readonly string[];
  /** False where the operator gave one: then it is only seen whether the cluster answers. */
  readonly wantsId: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the search. */
  readonly signal: AbortSignal;
  readonly limitMs?: number;
}

/** The id of the new directory and its name. Rejects with `JoinError`. */
export async function askToJoin(joining: Joining): Promise<{ readonly nodeId: NodeId; readonly identity: string }> {
  const { options, clock, signal, limitMs = JOIN_MS } = joining;
  const identity = randomDigits(randomNumber, IDENTITY_DIGITS);
  const question = questionOf(joining, identity);
  const addresses = new Set(joining.seeds);
  const end = clock.now() + limitMs;
  let said = "";
  for (;;) {
    let problem = "no leader of the cluster answers";
    // A follower tells who else there is, and so the leader is found.
    for (const address of addresses) {
      const answer = await askServer(address, question);
      if (signal.aborted) throw new JoinError("Stopped before the node had joined", false);
      if (!("greeting" in answer)) {
        if (answer.refused) throw new JoinError(`Cannot join: ${answer.problem}`, true);
        problem = answer.problem;
        continue;
      }
      const { members, assignedId, objection } = answer.acquaintance;
      if (objection !== undefined) throw new JoinError(`Cannot join: ${objection}`, true);
      if (!joining.wantsId) return { nodeId: options.nodeId, identity };
      if (assignedId !== undefined) return { nodeId: assignedId, identity };
      for (const member of members) if (member.address !== "") addresses.add(member.address);
    }
    if (clock.now() >= end) {
      throw new JoinError(
        `Cannot join: ${problem}; is the cluster running, and is --join the address of a node?`,
        false,
      );
    }
    if (problem !== said) joining.log("info", `Waits for the cluster to join: ${problem}`);
    said = problem;
    await new Promise<void>((resolve) => clock.after(ROUND_MS, resolve));
  }
}

function questionOf({ options, clock, log, signal, wantsId }: Joining, identity: string) {
  const [own] = options.members;
  const limits = DEFAULT_TRANSPORT_LIMITS;
  return {
    greeting: {
      versions: SPOKEN_VERSIONS,
      clusterId: "",
      clusterName: options.clusterId ?? "",
      nodeId: options.nodeId,
      incarnation: 0,
      identity,
      rejoin: true,
      // An id that the operator gave is asked for by the node itself, once its directory is open.
      joins: false,
      configurationIndex: 0,
      membersFingerprint: "",
      clientAddress: own?.clientAddress ?? "",
      peerAddress: own?.address ?? "",
    },
    ...secretsOf(options),
    security: options.peerTls === undefined ? undefined : new PeerTls(options.peerTls, { clock, log }),
    wantsId,
    signal,
    connection: { clock, log, limits, largeTurns: new LargeTurns(clock) },
  };
}
