/** What people are told about a node with an empty directory that begins no new cluster, because another node has data. */

import type { RaftNode } from "../../raft/raft_node.ts";
import type { NodeId } from "../../raft/types.ts";
import type { NodeLog } from "../options.ts";

/** What is the matter and what to do, in one line. */
export function describeEmptyDirectory(holder: NodeId): string {
  return `the data directory is empty, but node ${holder} has data: if the data of this node is lost, stop it and start it ` +
    "once with --new-identity";
}

/** Says it once in a life. */
export class EmptyDirectoryNotice {
  readonly #raft: Pick<RaftNode, "status" | "clusterId">;
  readonly #log: NodeLog;
  #said = false;

  constructor(raft: Pick<RaftNode, "status" | "clusterId">, log: NodeLog) {
    this.#raft = raft;
    this.#log = log;
  }

  /** To be called now and then. */
  look(): void {
    if (this.#said || this.#raft.clusterId !== undefined) return;
    const holder = this.#raft.status().foundingHeldBy;
    if (holder === undefined) return;
    this.#said = true;
    this.#log("warn", `Waits and begins no new cluster: ${describeEmptyDirectory(holder)}`);
  }
}
