/** What the reports of a node must say: each line, exactly where it is known, else as far as it is. */

import { Run } from "../../../lib/raft/run.ts";
import { describeCommand } from "../../../lib/kv/describe.ts";
import { decodeCommand } from "../../../lib/kv/commands.ts";
import type { Entry } from "../../../lib/raft/types.ts";
import { agreedVersion, SPOKEN_VERSIONS } from "../../../lib/transport/versions.ts";
import { TEXT_COMMANDS } from "../../../lib/protocol/text/commands.ts";
import { addressesAt } from "../../support/memory/memory_server.ts";
import type { RequestTally } from "./request_tally.ts";
import { newestSnapshot } from "../damaged_snapshot.ts";
import { type Facts, filesOf, hasBeenAt, isReachable } from "./facts.ts";
import { wantedCluster } from "./cluster_report.ts";
import { wantedMetrics } from "./metrics_report.ts";
import { bytesShown, durationBetween, flawOfReport, type WantedLine } from "./report_form.ts";

/** Entries that the workload asks LOGS for. */
export const LOGS_COUNT = 5;

const HELP_PUT = `PUT
Usage: PUT <key> <value>
Summary: Stores a value under a key; on the leader
Aliases: P, SET, ADD, UPDATE, WRITE
Example: PUT key1 value1
Example: PUT key1 "a b"
Example: PUT --key key1 --value value1
Example: PUT -k key1 -v value1

`;

/** Replies that are the same everywhere. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ["HELP PUT", HELP_PUT],
  ["HISTORY", "History\n1: HISTORY\n\n"],
  ["PING", "+PONG\r\n"],
  ["CLEAR", "\x1b[H\x1b[2J\n"],
  ["EXIT", "Goodbye.\n"],
  ["AUTH somebody something", "Error: There are no users. Everybody may do everything without logging in.\n"],
]);

/** What is wrong with the reply to `line`; undefined when nothing is. Not for SNAPSHOT, which takes its time. */
export function flawOf(line: string, reply: string, parts: {
  readonly facts: Facts;
  readonly tally: RequestTally;
}): string | undefined {
  const { facts, tally } = parts;
  const fixed = FIXED.get(line);
  if (fixed !== undefined) return reply === fixed ? undefined : `it is not ${JSON.stringify(fixed)}`;
  switch (line) {
    case "HELP":
      return flawOfReport(reply, "Commands", wantedHelp());
    case "STATUS":
      return flawOfReport(reply, "Status", wantedStatus(facts));
    case "LOGSIZE":
      return flawOfReport(reply, "Log Size", wantedLogSize(facts));
    case `LOGS ${LOGS_COUNT}`:
      return flawOfReport(reply, "Log Entries", wantedLogs(facts));
    case "CLUSTER":
    case "MEMBER LIST":
      return flawOfReport(reply, "Cluster", wantedCluster(facts));
    case "STATS":
      return flawOfReport(reply, "Statistics", wantedStats(facts, tally));
    case "METRICS":
    case "WATCH":
      return flawOfReport(reply, "Metrics", wantedMetrics(reply, facts, tally));
    default:
      return `there is no rule for ${line}`;
  }
}

function wantedHelp(): readonly WantedLine[] {
  return TEXT_COMMANDS.map(({ usage, summary, aliases }) => {
    return [usage, aliases.length === 0 ? summary : `${summary} (also ${aliases.join(", ")})`];
  });
}

function wantedStatus(facts: Facts): readonly WantedLine[] {
  const { server, shadow, raft, core } = facts;
  const { members, voters } = raft.configuration;
  const peers = members.filter(({ id }) => id !== server.id);
  const reachable = voters.filter((id) => isReachable(facts, id)).length;
  return [
    ["Node ID", server.id],
    ["Role", raft.role],
    ["Term", shadow.currentTerm],
    ["Leader ID", raft.leaderId ?? "none"],
    ["Voted For", core.votedFor ?? "none"],
    ["Commit Index", shadow.commitIndex],
    ["Last Applied", facts.applied],
    ["Log Size", `${facts.logEntries} entries`],
    ["Last Log Index", shadow.lastIndex],
    ["Last Snapshot Index", core.snapshot.index],
    ["Keys", facts.keys],
    // Nodes are compared with one another by the check state-hash.
    ["State Digest", facts.node.driver.applied.state.digest],
    ["Quorum", `reachable ${reachable} of ${voters.length} nodes, needed ${1 + Math.floor(voters.length / 2)}`],
    ["Client Address", addressesAt(server.listensAt).clientAddress],
    ["Data Directory", "/data"],
    ["Peers", peers.length],
    ...peers.map(({ id }): WantedLine => [`Peer ${id}`, (value) => isPeerLine(value, id, facts)]),
    ["Clock Offset", /^(unknown|-?\d+\.\d{3} s)$/],
    ["Clocks Off", /^(none|(node \d+ \d+\.\d{3} s (behind|ahead of) the majority's(, )?)+)$/],
    ["Cluster ID", raft.clusterId ?? "none"],
    ...(core.foundingHeldBy === undefined ? [] : [["Waits", /./] as const]),
    ["Uptime", uptimeOf(facts)],
  ];
}

function isPeerLine(value: string, id: number, facts: Facts): boolean {
  const form = /^node(\d+):15000, Match Index: (\d+|unknown), Last Contact: (never|\d+ ms ago), Reachable: (yes|no)$/;
  const [, node, match, , reachable] = form.exec(value) ?? [];
  if (!hasBeenAt(facts, { id, place: node }) || (reachable === "yes") !== isReachable(facts, id)) return false;
  return match === "unknown" || Number(match) <= facts.world.shadows.highestIndex;
}

/** From the start of the process, which makes its node some time later. */
export function uptimeOf({ clock, server }: Facts): (value: string) => boolean {
  return durationBetween(clock.now() - server.runsSinceMs, clock.now() - server.startedAtMs);
}

function wantedLogSize(facts: Facts): readonly WantedLine[] {
  const { shadow, core, raft, logEntries } = facts;
  const { segments, walBytes, snapshots } = facts.node.status().storage;
  return [
    ["Entries", logEntries],
    ["First Index", logEntries === 0 ? "none" : shadow.lastIndex - logEntries + 1],
    ["Last Index", shadow.lastIndex],
    ["Last Term", raft.lastEntry.term],
    ["Memory", bytesShown(memoryOf(facts))],
    ["Disk", bytesShown(walBytes)],
    ["Segments", segments],
    ["Snapshot Index", core.snapshot.index],
    ["Snapshot Term", termOfSnapshot(facts)],
    // One that has just got its name is not counted yet.
    ["Snapshots", (value) => value === `${snapshots}` && snapshots <= filesOf(facts, ".snap").count],
    ["Snapshot Disk", snapshotBytesShown(facts)],
  ];
}

/** What the storage counts, which cannot be more than there is. */
export function snapshotBytesShown(facts: Facts): (value: string) => boolean {
  const { snapshotBytes } = facts.node.status().storage;
  // One that takes the place of a damaged one has its name before it is counted, and may be shorter.
  const isPossible = facts.server.damaged || snapshotBytes <= filesOf(facts, ".snap").bytes;
  return (value) => isPossible && value === bytesShown(snapshotBytes);
}

/** Bytes of the entries in memory. */
export function memoryOf({ raft }: Facts): number {
  return raft.logTail(Number.MAX_SAFE_INTEGER).reduce((sum, entry) => sum + Run.of([entry]).bytes, 0);
}

function termOfSnapshot({ world, core }: Facts): number {
  return core.snapshot.index === 0 ? 0 : world.reference.at(core.snapshot.index)?.term ?? -1;
}

function wantedLogs({ world, shadow, raft }: Facts): readonly WantedLine[] {
  return raft.logTail(LOGS_COUNT).map((entry, at, all) => {
    const index = shadow.lastIndex - all.length + 1 + at;
    // The reference has an entry once a node applies it: the first one may know that it is committed and not have come to that.
    const committed = index <= shadow.commitIndex ? world.reference.at(index) : undefined;
    const name = `Index ${index}, Term ${shadow.termAt(index)}`;
    // The report shows a line as it is when it is printable, and these are.
    return [name, textOf(committed ?? entry)];
  });
}

function textOf(entry: Entry): string {
  switch (entry.type) {
    case "NoOp":
      return "(no-op)";
    case "Configuration": {
      const { voters, votersOld, learners, drained, level } = entry.configuration;
      const from = votersOld.length === 0 ? "" : ` from voters ${votersOld}`;
      const more = learners.length === 0 ? "" : ` learners ${learners}`;
      const resting = drained === undefined ? "" : ` drained ${drained}`;
      return `(configuration${from} voters ${voters}${more}${resting}${level === undefined ? "" : ` level ${level}`})`;
    }
    default: {
      const logged = decodeCommand(entry.command);
      const command = logged?.session === undefined ? logged?.command : undefined;
      if (command?.type === "Delete" && isPlain(command.key)) return `DELETE "${command.key}"`;
      if (command?.type === "Put" && isPlain(command.key)) return `PUT "${command.key}" ${valueShown(command.value)}`;
      return describeCommand(entry.command);
    }
  }
}

function isPlain(text: string): boolean {
  return text.length < 60 && /^[\w.]+$/.test(text);
}

function valueShown(value: string): string {
  const start = value.slice(0, 64).replaceAll("\u00e9", "\\xe9");
  return value.length > 64 ? `"${start}"... (${value.length} bytes)` : `"${start}"`;
}

function wantedStats(facts: Facts, tally: RequestTally): readonly WantedLine[] {
  const { node, server } = facts;
  return [
    ["Connection Commands", 1],
    ["Connection Bytes In", "0 bytes"],
    ["Connection Bytes Out", "0 bytes"],
    ["Connection Open For", "0 s"],
    ["Server Commands", tally.of(server.life).received],
    ["Server Bytes In", "0 bytes"],
    ["Server Bytes Out", "0 bytes"],
    ["Server Connections", "1 (limit 1)"],
    ["Server Connections Refused", 0],
    ["Server Uptime", uptimeOf(facts)],
    ...node.status().peers.map(({ id, address, versions, framesDropped }): WantedLine => {
      const reachable = `Reachable: ${isReachable(facts, id) ? "yes" : "no"}`;
      const own = server.versions ?? SPOKEN_VERSIONS;
      const protocol = versions === undefined ? "unknown" : agreedVersion(own, versions);
      const start = `${address}, ${reachable}, Round Trip: unknown, Protocol: ${protocol}, Bytes In: `;
      const dropped = `, Bytes Out: 0, Frames Dropped: ${framesDropped}`;
      return [`Peer ${id}`, (value) => {
        const rest = value.slice(start.length).replace(/^\d+/, "").replace(/, Problem: .+$/, "");
        const place = /^node(\d+):15000$/.exec(address)?.[1];
        return value.startsWith(start) && rest === dropped && hasBeenAt(facts, { id, place });
      }];
    }),
  ];
}

/** What is wrong with the reply to SNAPSHOT. It may join one under way, so it is no older than the one `before`. */
export function flawOfSnapshot(reply: string, { facts, before }: {
  readonly facts: Facts;
  readonly before: number;
}): string | undefined {
  const { world, applied, server } = facts;
  const done = /^Snapshot (created|is up to date) at index (\d+) \(term (\d+)\)\.\n$/.exec(reply);
  if (done === null) {
    if (/^Error: Snapshot failed: (Put off|The node is stopping|No space left on .+)\n$/.test(reply)) return undefined;
    if (/^Error: Quarantine\. .+\n$/.test(reply)) {
      return world.memoryFlips.all.some(({ id }) => id === server.id) ? undefined : "no bit of its memory was changed";
    }
    return reply.startsWith("Error: Snapshot failed: ") && server.faults.hasFailed ? undefined : "no outcome is so";
  }
  const [index, term] = [Number(done[2]), Number(done[3])];
  const wanted = index === 0 ? 0 : world.reference.at(index)?.term;
  if (wanted !== term) return `entry ${index} is of term ${wanted}`;
  if (index > applied || index < before) return `the last one was at ${before}, and applied is ${applied}`;
  // A newer one may have taken its place.
  return index === 0 || (newestSnapshot(server)?.index ?? 0) >= index
    ? undefined
    : "there is no such snapshot on the disk";
}
