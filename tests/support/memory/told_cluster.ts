/** A cluster whose servers are told at their start where all are now, and ask there who is who. */

import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "./memory_cluster.ts";
import { addressesAt, MemoryServer } from "./memory_server.ts";

/** A server of such a cluster. */
export class ToldServer<Cluster extends MemoryCluster = MemoryCluster> extends MemoryServer {
  /** Where it is. */
  readonly cluster: Cluster;

  constructor(cluster: Cluster, id: NodeId) {
    super(cluster, id);
    this.cluster = cluster;
  }

  override seeds(): readonly string[] {
    return this.cluster.servers.filter(({ id }) => id !== this.id).map(({ place }) => addressesAt(place).address);
  }
}

/** The cluster. */
export class ToldCluster extends MemoryCluster {
  override makeServer(id: NodeId): MemoryServer {
    return new ToldServer(this, id);
  }
}

/** Crashes servers, and starts each at its new place. */
export async function move(
  cluster: MemoryCluster,
  places: readonly (readonly [id: NodeId, place: number])[],
): Promise<void> {
  for (const [id, place] of places) {
    cluster.crash(id);
    cluster.server(id).place = place;
  }
  await cluster.start(places.map(([id]) => id));
}
