/** Runs a workload up to one disk call and leaves the machine as it was at that moment. */

import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { id } from "../unit/storage/support.ts";
import type { History } from "./history.ts";
import { Machine } from "./machine.ts";
import { Session, snapshotBytes } from "./session.ts";
import type { Workload } from "./workloads.ts";

/** A machine that has stopped. */
export interface Stop {
  /** The number of the call, from 1. */
  readonly number: number;
  /** The call, for people. */
  readonly call: string;
  /** With everything unsynced still in it. */
  readonly disk: MemoryDisk;
  readonly history: History;
}

const SENT = new Map<number, Uint8Array>();

/** Runs `workload` until call `stop` has been made; undefined when it has fewer. Rejects when the workload itself fails. */
export async function runTo(workload: Workload, stop: number): Promise<Stop | undefined> {
  const sent = await sentBy(workload);
  const machine = new Machine(new MemoryDisk({ pieceBytes: workload.pieceBytes }), stop);
  const session = new Session(machine, { segmentBytes: workload.segmentBytes, sent });
  const run = workload.run(session);
  // A program whose power failed ends in whatever way; only what it did before counts.
  const finished = run.then(() => true, (error) => machine.dead ? false : Promise.reject(error));
  const ended = await Promise.race([machine.died.then(() => false), finished]);
  if (ended) return undefined;
  return { number: stop, call: machine.lastCall, disk: machine.disk, history: session.history };
}

async function sentBy({ sent = [] }: Workload): Promise<ReadonlyMap<number, Uint8Array>> {
  for (const [index, term] of sent) {
    if (!SENT.has(index)) SENT.set(index, await snapshotBytes(id(index, term)));
  }
  return SENT;
}
