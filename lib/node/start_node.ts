/** Starts a node: opens its directory, puts it together on what was recovered, and connects to the peers. */

import { UsersRequiredError } from "../base/errors.ts";
import { METRIC } from "../observe/names.ts";
import { EMPTY_CONFIGURATION } from "../raft/types.ts";
import { nodeIdsOf } from "../storage/node_file.ts";
import { openStorage } from "../storage/open.ts";
import { RESTORING_NAME } from "../storage/restore_mark.ts";
import type { Recovered } from "../storage/storage.ts";
import { assembleNode } from "./assemble.ts";
import { randomDigits } from "./core.ts";
import { knownContents } from "./known_contents.ts";
import { START_SLICE_MS } from "./limits.ts";
import { loadState } from "./snapshots/load_state.ts";
import { MemoryBudget } from "./memory/memory_budget.ts";
import type { Node } from "./node.ts";
import { configurationOf, type NodeOptions, type NodePorts } from "./options.ts";
import { StartTurns } from "./start_turns.ts";

const INCARNATION_MAX = 2 ** 48;
/** Hexadecimal digits of the name of a data directory. */
export const IDENTITY_DIGITS = 16;

/**
 * Starts a node and resolves once it listens for its peers; it may take a while longer to find a leader.
 *
 * Rejects with the errors of `openStorage` and of `Transport.start`, and with `UsersRequiredError`; then nothing is left open.
 */
export async function startNode(options: NodeOptions, ports: NodePorts): Promise<Node> {
  const { usersRequiredAt, directory } = options;
  if (usersRequiredAt !== undefined && isNew(ports.disk.list(directory))) throw new UsersRequiredError(usersRequiredAt);
  const turns = new StartTurns(ports.clock);
  const storage = await openStorage({
    disk: ports.disk,
    directory: options.directory,
    nodeId: options.nodeId,
    clusterName: options.clusterId ?? "",
    initialConfiguration: options.newIdentity || options.join !== undefined
      ? EMPTY_CONFIGURATION
      : configurationOf(options.members),
    makeIdentity: () => options.join?.identity ?? randomDigits(ports.random, IDENTITY_DIGITS),
    contents: knownContents(options.versions),
    pause: () => turns.pause(),
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  });
  try {
    reportRecovery(storage.recovered, options, ports);
    const incarnation = Math.floor(ports.random() * INCARNATION_MAX);
    const seed = [drawWord(ports), drawWord(ports)] as const;
    const newest = storage.openSnapshot();
    const memory = new MemoryBudget(options.memoryLimitBytes ?? Infinity, ports.log);
    memory.checkFits(`the snapshot in ${storage.directory}`, newest?.description.plainBytes ?? 0);
    const state = await loadState(newest, {
      clock: ports.clock,
      seed,
      directory: storage.directory,
      sliceMs: START_SLICE_MS,
    });
    turns.started();
    const node = assembleNode({ options, ports, storage, incarnation, seed, newest, state, memory });
    if (usersRequiredAt !== undefined && !node.hasUsers()) throw new UsersRequiredError(usersRequiredAt);
    warnOfCompany(node.status().raft.configuration.members.length, options, ports);
    await node.start();
    return node;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** Whether a node would begin a directory that holds these: one of another node, or half of a restore, is refused for that. */
function isNew(names: readonly string[]): boolean {
  return nodeIdsOf(names).length === 0 && !names.includes(RESTORING_NAME);
}

/** With what it was told now the node would begin a cluster of its own on an empty disk, as if the others were not there. */
function warnOfCompany(membersKnown: number, { join, members }: NodeOptions, { log }: NodePorts): void {
  if (join !== undefined || members.length > 1 || membersKnown <= 1) return;
  const risk = "if its directory were lost, this node would begin a cluster of its own";
  log(
    "warn",
    `Started as if it were alone, in a cluster of ${membersKnown}: give --join with the addresses of others, since ${risk}`,
  );
}

/** 32 random bits. */
function drawWord({ random }: Pick<NodePorts, "random">): number {
  return Math.floor(random() * 2 ** 32);
}

function reportRecovery(recovered: Recovered, options: NodeOptions, ports: NodePorts): void {
  const { runs, snapshot, tornBytes, existed } = recovered;
  const entries = runs.reduce((sum, { count }) => sum + count, 0);
  if (!existed) ports.log("info", `Created the data directory ${options.directory}`);
  else {
    const from = snapshot === undefined ? "no snapshot" : `the snapshot at index ${snapshot.lastIncluded.index}`;
    ports.log("info", `Recovered ${from} and ${entries} log entries from ${options.directory}`);
  }
  if (tornBytes > 0) ports.log("warn", `Cut off ${tornBytes} bytes of a last write that was never acknowledged`);
  if (existed && options.newIdentity && recovered.initialConfiguration.members.length > 0) {
    ports.log("warn", "--new-identity has no effect: the data directory is not empty");
  }
  ports.metrics.gauge(METRIC.recoveredEntries, () => entries);
}
