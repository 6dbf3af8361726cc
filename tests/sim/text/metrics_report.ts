/** What METRICS must say. */

import type { RequestTally } from "./request_tally.ts";
import type { Facts } from "./facts.ts";
import { bytesShown, numberIn, type WantedLine } from "./report_form.ts";
import { memoryOf, snapshotBytesShown, uptimeOf } from "./reports.ts";

const MILLISECONDS = /^\d+\.\d{3} ms$/;
const SOME_BYTES = /^[1-9]\d* bytes( \(\d+\.\d [KMGT]iB\))?$/;

/** Every line; `reply` for those that must agree with each other. */
export function wantedMetrics(reply: string, facts: Facts, tally: RequestTally): readonly WantedLine[] {
  return [
    ...raftLines(facts, tally),
    ...storageLines(facts, tally),
    ...messageLines(reply, facts, tally),
    ...requestLines(facts, tally),
    ...latencyLines(reply, "Command"),
    growing("fdatasync calls", facts, tally),
    ...latencyLines(reply, "fdatasync"),
    ["Memory Used", SOME_BYTES],
    ["Memory Limit", "none"],
    ["Memory Resident", SOME_BYTES],
    ["Memory Heap Used", SOME_BYTES],
    ["Memory Heap Total", SOME_BYTES],
    ["Memory External", SOME_BYTES],
    ["Event Loop Lag", MILLISECONDS],
    ["Event Loop Lag Max", MILLISECONDS],
    ["Uptime", uptimeOf(facts)],
  ];
}

/** A counter: a whole number that never falls in a life. */
function growing(name: string, { server }: Facts, tally: RequestTally): WantedLine {
  return [name, (value) => {
    return /^\d+$/.test(value) && tally.hasNotFallen(server.life, { name, value: Number(value) });
  }];
}

function raftLines(facts: Facts, tally: RequestTally): readonly WantedLine[] {
  const { server, raft, shadow, core, node } = facts;
  return [
    ["Node ID", server.id],
    ["Role", raft.role],
    ["Term", shadow.currentTerm],
    ["Leader ID", raft.leaderId ?? "none"],
    ["Commit Index", shadow.commitIndex],
    ["Last Applied", facts.applied],
    ["Elections Started", core.electionsStarted],
    growing("Leader Changes", facts, tally),
    growing("Entries Applied", facts, tally),
    growing("Proposals Failed", facts, tally),
    ["Proposals Pending", node.driver.writesOpen],
    ["Keys", facts.keys],
    ["Key Bytes", bytesShown(facts.keyBytes)],
  ];
}

function storageLines(facts: Facts, tally: RequestTally): readonly WantedLine[] {
  const { segments, walBytes } = facts.node.status().storage;
  return [
    ["Log Entries", facts.logEntries],
    ["Last Log Index", facts.shadow.lastIndex],
    ["Log Memory", bytesShown(memoryOf(facts))],
    ["Log Disk", bytesShown(walBytes)],
    ["Log Segments", segments],
    ["Last Snapshot Index", facts.core.snapshot.index],
    growing("Snapshots Taken", facts, tally),
    growing("Snapshots Installed", facts, tally),
    ["Snapshot Disk", snapshotBytesShown(facts)],
    growing("Refused For Space", facts, tally),
    ["Refused For Memory", 0],
  ];
}

function messageLines(reply: string, facts: Facts, tally: RequestTally): readonly WantedLine[] {
  const { sent, received } = facts.node.rpcCounts();
  const types = [...new Set([...sent.keys(), ...received.keys()])].sort();
  const [succeeded, failed] = [numberIn(reply, "AppendEntries Succeeded"), numberIn(reply, "AppendEntries Failed")];
  // In the order in which the program does it: where the second decimal is a five, the other one rounds otherwise.
  const share = (part: number) =>
    succeeded + failed === 0 ? "none" : `${(part / (succeeded + failed) * 100).toFixed(1)} %`;
  return [
    ...types.flatMap((type): WantedLine[] => [
      [`RPC ${type} Sent`, sent.get(type) ?? 0],
      [`RPC ${type} Received`, received.get(type) ?? 0],
    ]),
    growing("AppendEntries Succeeded", facts, tally),
    growing("AppendEntries Failed", facts, tally),
    ["AppendEntries Success Rate", share(succeeded)],
    ["AppendEntries Failure Rate", share(failed)],
  ];
}

function requestLines(facts: Facts, tally: RequestTally): readonly WantedLine[] {
  const { received, succeeded, failed, redirected } = tally.of(facts.server.life);
  return [
    ["Client Requests Received", received],
    ["Client Requests Succeeded", succeeded],
    ["Client Requests Failed", failed],
    ["Client Requests Redirected", redirected],
    growing("Linearizable Reads", facts, tally),
    ["Client Connections", 1],
    ["Client Connections Refused", 0],
    ["Client Bytes In", "0 bytes"],
    ["Client Bytes Out", "0 bytes"],
  ];
}

function latencyLines(reply: string, name: string): readonly WantedLine[] {
  const told = (what: string) => numberIn(reply, `${name} Latency ${what}`);
  const isBetween = (least: number, most: number) => (value: string) => {
    return MILLISECONDS.test(value) && least <= Number.parseFloat(value) && Number.parseFloat(value) <= most;
  };
  return [
    [`${name} Latency p50`, isBetween(0, told("p99"))],
    [`${name} Latency p99`, isBetween(told("p50"), told("Max"))],
    [`${name} Latency Max`, isBetween(told("p99"), Infinity)],
  ];
}
