/** What is done to a directory, call by call, before the power fails. Names appear in the commands that replay a failure. */

import { id } from "../unit/storage/support.ts";
import { entriesOf, type Session } from "./session.ts";

/** A deterministic use of storage. */
export interface Workload {
  readonly name: string;
  /** Small, so that sectors are few and segments roll. */
  readonly segmentBytes: number;
  /** Writes happen in pieces of this size, each a place to stop at. */
  readonly pieceBytes: number;
  /** The snapshots that the leader sends in it: index and term. */
  readonly sent?: readonly (readonly [index: number, term: number])[];
  /** A lower bound of the calls that can be stopped after. */
  readonly stopsMin: number;
  run(session: Session): Promise<void>;
}

/** All of them. */
export const WORKLOADS: readonly Workload[] = [
  { name: "first-start", segmentBytes: 1_024, pieceBytes: 512, stopsMin: 30, run: firstStart },
  { name: "appends", segmentBytes: 4_096, pieceBytes: 700, stopsMin: 60, run: appends },
  { name: "conflict", segmentBytes: 4_096, pieceBytes: 700, stopsMin: 60, run: conflict },
  { name: "roll", segmentBytes: 1_024, pieceBytes: 1_500, stopsMin: 100, run: roll },
  { name: "votes", segmentBytes: 2_048, pieceBytes: 300, stopsMin: 120, run: votes },
  { name: "snapshot", segmentBytes: 1_024, pieceBytes: 700, stopsMin: 120, run: snapshot },
  { name: "ahead", segmentBytes: 1_024, pieceBytes: 700, stopsMin: 70, run: ahead },
  {
    name: "install",
    segmentBytes: 2_048,
    pieceBytes: 700,
    sent: [[8, 2], [20, 2], [60, 5]],
    stopsMin: 100,
    run: install,
  },
  { name: "replaced", segmentBytes: 1_024, pieceBytes: 700, sent: [[4, 3]], stopsMin: 60, run: replaced },
  { name: "restart", segmentBytes: 1_536, pieceBytes: 1_000, stopsMin: 120, run: restart },
  { name: "power-loss", segmentBytes: 1_536, pieceBytes: 1_000, stopsMin: 120, run: powerLoss },
  { name: "mixed", segmentBytes: 2_048, pieceBytes: 1_500, sent: [[120, 6]], stopsMin: 150, run: mixed },
];

/** The first start in an empty directory, the first vote, the first entry. */
async function firstStart(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  session.append(entriesOf(1, 1));
  await session.sync();
}

/** Records of all sizes, some while a sync is in flight. */
async function appends(session: Session): Promise<void> {
  await session.open();
  const vote = session.save(1, 0);
  session.append(entriesOf(1, 1));
  await session.sync();
  await vote;
  session.append(entriesOf(2, 1, 2));
  session.append(entriesOf(4, 1, 1, 750));
  const first = session.sync();
  session.append(entriesOf(5, 1));
  session.append(entriesOf(6, 1, 2, 125));
  await first;
  session.append(entriesOf(8, 1));
  const second = session.sync();
  session.append(entriesOf(9, 1, 3));
  await second;
  await session.sync();
  session.append(entriesOf(12, 1, 1, 250));
  await session.sync();
}

/** A new leader replaces the tail of the log: entries that were synced, and entries that were not. */
async function conflict(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 1);
  session.append(entriesOf(1, 1, 4));
  await session.sync();
  session.append(entriesOf(5, 1, 3));
  session.append(entriesOf(8, 1, 2));
  await session.save(2, undefined);
  session.append(entriesOf(3, 2, 2)); // Replaces synced and unsynced ones.
  const first = session.sync();
  session.append(entriesOf(5, 2, 3, 188));
  await first;
  const vote = session.save(4, 2);
  session.append(entriesOf(5, 4, 1));
  await session.sync();
  await vote;
  session.append(entriesOf(1, 5, 6)); // All of the log.
  session.append(entriesOf(7, 5, 1));
  await session.sync();
}

/** Segments of two sectors: a roll in each sync, then several in one sync, then records larger than a segment. */
async function roll(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  for (let index = 1; index <= 13; index += 4) {
    session.append(entriesOf(index, 1, 4, 150));
    await session.sync();
  }
  for (let index = 17; index <= 29; index += 4) session.append(entriesOf(index, 1, 4, 150));
  const first = session.sync();
  session.append(entriesOf(33, 1, 4, 150));
  session.append(entriesOf(37, 1, 1, 38));
  await first;
  await session.sync();
  session.append(entriesOf(30, 2, 3, 150)); // The name of a segment may be taken now.
  session.append(entriesOf(33, 2, 4, 150));
  session.append(entriesOf(37, 2, 1, 1_400));
  await session.sync();
  session.append(entriesOf(38, 2, 1));
  await session.sync();
}

/** Terms and votes, alone and beside the log. */
async function votes(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  await session.save(2, undefined);
  await session.save(2, 1);
  session.append(entriesOf(1, 2, 2));
  const synced = session.sync();
  await session.save(3, 2);
  await synced;
  session.append(entriesOf(3, 4, 2)); // Durable before its term is.
  await session.sync();
  await session.save(4, undefined);
  const vote = session.save(9, 0);
  session.append(entriesOf(5, 4, 1));
  await session.sync();
  await vote;
  await session.close();
  await session.open();
  await session.save(10, 1);
}

/** Snapshots of its own, the log going on beside them; the third makes the first go. */
async function snapshot(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  session.append(entriesOf(1, 1, 4, 125));
  session.append(entriesOf(5, 1, 4, 125));
  await session.sync();
  await session.take(6, 1);
  await session.compact(6);
  for (let index = 9; index <= 17; index += 4) session.append(entriesOf(index, 1, 4, 125));
  const synced = session.sync();
  const second = session.take(8, 1);
  await synced;
  session.append(entriesOf(21, 1, 2));
  await second;
  const removed = session.compact(8);
  await session.sync();
  await removed;
  await session.take(20, 1);
  session.append(entriesOf(19, 2, 6, 100));
  await session.compact(20);
  await session.sync();
  await session.close();
  await session.open();
  session.append(entriesOf(25, 2, 1));
  await session.sync();
}

/** A majority has committed what this node has not synced: its snapshot is ahead of its durable log, and compaction too. */
async function ahead(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  session.append(entriesOf(1, 1, 4, 125));
  session.append(entriesOf(5, 1, 2, 50));
  await session.sync();
  session.append(entriesOf(7, 1, 4, 125));
  session.append(entriesOf(11, 1, 4, 125));
  await session.take(12, 1);
  await session.compact(12);
  session.append(entriesOf(15, 1, 1));
  await session.compact(12);
  await session.sync();
  await session.compact(12);
}

/** Snapshots from the leader: one that the log goes beyond, one that contradicts it, one far ahead of it. */
async function install(session: Session): Promise<void> {
  await session.open();
  await session.save(2, 0);
  session.append(entriesOf(1, 2, 10, 75));
  await session.sync();
  const first = session.receive(8, 2);
  session.send(first, 8, 512);
  session.send(first, 8, 100);
  session.append(entriesOf(11, 2, 2));
  session.send(first, 8);
  await session.finish(first, id(8, 2));
  await session.compact(8);
  await session.sync();
  session.append(entriesOf(12, 3, 10, 50));
  await session.sync();
  const given = session.receive(60, 5);
  session.send(given, 60, 700); // The leader begins again: this one is dropped.
  const second = session.receive(20, 2);
  session.send(second, 20);
  await session.finish(second, id(20, 2));
  session.append(entriesOf(21, 4, 2), true); // The log had another entry 20.
  await session.sync();
  await session.save(5, undefined);
  const third = session.receive(60, 5);
  while (third.nextOffset < 900) session.send(third, 60, 300);
  session.send(third, 60);
  await session.finish(third, id(60, 5));
  await session.compact(60);
  session.append(entriesOf(61, 5, 3), true);
  await session.sync();
}

/** A snapshot from the leader contradicts the log and ends where a segment does: compaction leaves what follows it alone. */
async function replaced(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  for (const first of [1, 3, 5]) {
    session.append(entriesOf(first, 1, 2, 350));
    await session.sync();
  }
  await session.save(3, undefined);
  const given = session.receive(4, 3);
  session.send(given, 4);
  await session.finish(given, id(4, 3));
  await session.compact(4);
  session.append(entriesOf(5, 3, 2), true); // The log had another entry 4.
  await session.sync();
}

/** Ends in order and without, and starts again. */
async function restart(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  session.append(entriesOf(1, 1, 3));
  await session.close();
  await session.open();
  session.append(entriesOf(4, 1, 2));
  await session.sync();
  session.append(entriesOf(6, 1, 4, 188));
  session.append(entriesOf(10, 1, 4, 188));
  session.kill();
  await session.open();
  session.append(entriesOf(9, 2, 3, 125));
  await session.sync();
  await session.take(8, 1);
  session.kill();
  await session.open();
  await session.compact(8);
  session.append(entriesOf(12, 2, 1));
  await session.close();
  await session.open();
  session.append(entriesOf(13, 2, 1));
  await session.sync();
}

/** Power fails in the middle, with a torn tail each time, and the log goes on in its place. */
async function powerLoss(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  session.append(entriesOf(1, 1, 2));
  await session.sync();
  for (let life = 1; life <= 5; life++) {
    const next = lastIndexOf(session) + 1;
    // The same records at the same places in each life, but for their term: what is left of one must not be taken for the next.
    for (let at = 0; at < 4; at++) session.append(entriesOf(next + 2 * at, life, 2, 225));
    session.losePower(life * 7);
    await session.open();
    session.append(entriesOf(lastIndexOf(session) + 1, life, 1));
    await session.sync();
  }
}

/** A little of everything, with more in flight at the same time. */
async function mixed(session: Session): Promise<void> {
  await session.open();
  await session.save(1, 0);
  session.append(entriesOf(1, 1, 12, 100));
  const synced = session.sync();
  session.append(entriesOf(13, 1, 8, 100));
  const vote = session.save(2, 1);
  const taken = session.take(10, 1);
  await synced;
  await session.sync();
  await Promise.all([vote, taken]);
  session.append(entriesOf(18, 2, 20, 100));
  const removed = session.compact(10);
  await session.sync();
  await removed;
  for (let index = 38; index <= 50; index += 3) session.append(entriesOf(index, 3, 3, 112));
  const received = session.receive(120, 6);
  session.send(received, 120, 600);
  const later = session.sync();
  const second = session.take(40, 3);
  session.send(received, 120);
  await later;
  const installed = session.finish(received, id(120, 6));
  await Promise.all([second, installed]);
  session.append(entriesOf(121, 6, 2), true);
  const raised = session.save(6, 0);
  await session.compact(120);
  await session.sync();
  await raised;
}

function lastIndexOf({ history }: Session): number {
  return history.appends.at(-1)?.entries.at(-1)?.index ?? history.snapshot.id.index;
}
