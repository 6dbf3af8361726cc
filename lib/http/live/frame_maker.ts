/** What the dashboard shows, as one JSON text a second. */

import { textToByteString } from "../../base/bytes.ts";
import type { SpaceView } from "../../node/api.ts";
import { METRIC } from "../../observe/names.ts";
import { VERSION } from "../../observe/version.ts";
import { memberJson } from "../member_json.ts";
import type { HttpContext } from "../route.ts";
import { IntervalQuantiles } from "./interval_quantiles.ts";

/** Entries of the log in a frame. */
export const FRAME_LOG_LINES = 20;
/** Longest text of one of them; the rest is cut off. */
export const FRAME_LOG_TEXT_MAX = 200;

/** Makes frames; each tells of the time since the one before. */
export class FrameMaker {
  readonly #context: HttpContext;
  readonly #commands: IntervalQuantiles;
  readonly #requests: IntervalQuantiles;
  readonly #syncs: IntervalQuantiles;
  readonly #lag: IntervalQuantiles;

  /** The time before the first frame begins now. */
  constructor(context: HttpContext) {
    this.#context = context;
    const { metrics } = context.node;
    this.#commands = new IntervalQuantiles(metrics.histogram(METRIC.commandSeconds));
    this.#requests = new IntervalQuantiles(metrics.histogram(METRIC.httpSeconds));
    this.#syncs = new IntervalQuantiles(metrics.histogram(METRIC.walSyncSeconds));
    this.#lag = new IntervalQuantiles(metrics.histogram(METRIC.eventLoopLagSeconds));
  }

  /** The present frame as a byte string without line ends. */
  make(): string {
    const { node, httpAddress, token, launcher, happenings } = this.#context;
    const status = node.status();
    const members = node.members();
    const nowMs = Date.now();
    happenings.look();
    const [commandP99 = null] = this.#commands.take([0.99]);
    const [httpP99 = null] = this.#requests.take([0.99]);
    const [syncP50 = null, syncP99 = null] = this.#syncs.take([0.5, 0.99]);
    const [lagP99 = null] = this.#lag.take([0.99]);
    const { rss, heapUsed } = Deno.memoryUsage();
    const { raft } = status;
    const count = (name: string) => node.metrics.counter(name).value;
    return textToByteString(JSON.stringify({
      at_ms: nowMs,
      token,
      launcher: launcher !== undefined,
      node: {
        id: node.id,
        role: raft.role,
        term: raft.currentTerm,
        leader: raft.leaderId ?? null,
        commit_index: raft.commitIndex,
        applied_index: status.lastApplied,
        last_index: raft.lastEntry.index,
        snapshot_index: raft.snapshot.index,
        uptime_ms: Math.round(status.uptimeMs),
        http_address: httpAddress,
        client_address: status.clientAddress,
        version: VERSION,
      },
      quorum: status.quorum,
      members: members.map(memberJson),
      counters: {
        applied: count(METRIC.proposalsApplied),
        reads: count(METRIC.reads),
        failed: count(METRIC.requestsFailed),
        elections: count(METRIC.elections),
        snapshots: count(METRIC.snapshotsTaken),
      },
      quantiles: {
        command_p99: commandP99,
        http_p99: httpP99,
        fsync_p50: syncP50,
        fsync_p99: syncP99,
        loop_lag_p99: lagP99,
      },
      memory: { rss, heap_used: heapUsed },
      disk: diskJson(status.space),
      keys: status.keys,
      bytes: status.keyBytes,
      log: node.logTail(FRAME_LOG_LINES).map(({ id, text }) => {
        return { index: id.index, term: id.term, text: shorten(text) };
      }),
      happenings: happenings.list,
    }));
  }
}

function diskJson(space: SpaceView | undefined) {
  if (space === undefined) return null;
  const { totalBytes, freeBytes, reserveBytes, walBytes, snapshotBytes, temporaryBytes } = space;
  return {
    ...{ size: totalBytes, free: freeBytes, reserve: reserveBytes },
    ...{ log: walBytes, snapshots: snapshotBytes, temporary: temporaryBytes },
  };
}

function shorten(text: string): string {
  return text.length <= FRAME_LOG_TEXT_MAX ? text : `${text.slice(0, FRAME_LOG_TEXT_MAX)}...`;
}
