/** `kvstore recover force`: shows what will become of a directory, asks, and makes a new cluster of it. */

import { randomNumber } from "../cluster/random_number.ts";
import { knownContents } from "../node/known_contents.ts";
import { SystemClock } from "../node/clock/system_clock.ts";
import { forceRecovery, type Recovery } from "../node/recovery/force.ts";
import { planRecovery, type RecoveryPlan } from "../node/recovery/plan.ts";
import { type Member, NODE_ID_MAX } from "../raft/types.ts";
import { corruption } from "../storage/damage.ts";
import { inspectDirectory, type Inspection } from "../storage/inspect.ts";
import { refuseOtherCopy } from "../storage/kept_copy.ts";
import { parseAddress } from "../transport/address.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT, Failure } from "./failures.ts";
import { refuseOtherDirectory, refuseRunning } from "./inspect_command.ts";
import { keyedDisk } from "./master_key.ts";
import { defaultPeerPort, showAddress } from "./peers.ts";
import { quoteForPeople, UsageError } from "./usage_error.ts";

/** Members that `--members` may name. */
export const RECOVERED_MEMBERS_MAX = 32;
/** Bytes of an answer that are read. */
export const ANSWER_BYTES_MAX = 1_024;

/** Runs `recover force`. Nothing is changed before the operator has agreed. */
export async function forceSurvivor({ settings, surroundings }: CommandContext, directory: string): Promise<number> {
  const list = settings.optionalText("members");
  const wish = {
    members: list === undefined ? [] : readMembers(list),
    revisionStep: settings.integer("revision-step"),
  };
  refuseOtherDirectory(directory);
  await refuseRunning(directory);
  const disk = await keyedDisk(settings);
  const inspection = await inspectDirectory(disk, directory, { contents: knownContents() });
  refuseUnreadable(inspection);
  const plan = planRecovery(inspection, wish);
  if (plan === undefined) {
    surroundings.out(`Nothing to do: the node of ${directory} is the only voter of its cluster. Start it.\n`);
    return EXIT.ok;
  }
  refuseOtherCopy(disk, plan);
  surroundings.out(showPlan(plan, wish.revisionStep));
  if (!settings.enabled("yes")) await confirm(plan, (text) => surroundings.out(text));
  const recovery = await forceRecovery(plan, { disk, clock: new SystemClock(), random: randomNumber });
  surroundings.out(showRecovery(plan, recovery));
  return EXIT.ok;
}

/** `ID=HOST:PORT[@PEERPORT]`, with commas between them, to members without identities. Throws `UsageError`. */
export function readMembers(list: string): readonly Member[] {
  const items = list.split(",");
  if (items.length > RECOVERED_MEMBERS_MAX) {
    throw new UsageError(`--members names ${items.length} nodes; ${RECOVERED_MEMBERS_MAX} are the most`);
  }
  const members = items.map((item) => readMember(item.trim()));
  const named = members.flatMap(({ id, address, clientAddress }) => [`the id ${id}`, address, clientAddress]);
  const twice = named.find((name, at) => named.indexOf(name) < at);
  if (twice !== undefined) throw new UsageError(`--members names ${twice} twice`);
  return members;
}

function readMember(item: string): Member {
  const match = /^([0-9]{1,10})=([^@]+)(?:@([0-9]{1,5}))?$/.exec(item);
  const id = Number(match?.[1]);
  const endpoint = parseAddress(match?.[2] ?? "");
  const peer = match?.[3] === undefined ? undefined : Number(match[3]);
  if (endpoint === undefined || id > NODE_ID_MAX || peer === 0 || (peer ?? 1) > 65_535) {
    throw new UsageError(
      `--members has the entry ${quoteForPeople(item)}; write id=host:port[@peerport], for example 0=10.0.0.1:5000`,
    );
  }
  const { hostname, port } = endpoint;
  const [clientAddress, address] = [port, peer ?? defaultPeerPort(port)].map((at) => showAddress(hostname, at));
  return { id, address: address ?? "", clientAddress: clientAddress ?? "", identity: "" };
}

function refuseUnreadable({ otherVersions: [other], damages: [damage], recoverable }: Inspection): void {
  if (other !== undefined) throw new Failure(other.what, EXIT.otherVersion);
  if (recoverable === null && damage !== undefined) throw corruption(damage);
}

function showPlan(plan: RecoveryPlan, revisionStep: number): string {
  const { directory, nodeId, clusterId, last, raise: { raisedBy, begins }, configuration: { learners } } = plan;
  const others = learners.length === 0 ? "nobody else is a member" : `nodes ${learners.join(", ")} are learners`;
  const lines = [
    `${directory}: node ${nodeId} of cluster ${clusterId}, last entry ${last.index} of term ${last.term}`,
    "",
    "This makes a new cluster of what this directory holds:",
    `- node ${nodeId} is its only voter; ${others}. Nodes of the old cluster can never join it.`,
    `- All entries up to ${last.index} count, also those at the end that may never have been acknowledged. What only other`,
    "  nodes had is lost.",
    `- Every revision rises by ${raisedBy}, that is by the last entry and --revision-step ${revisionStep}; new ones are above`,
    `  ${begins.index}. Event ids, ETags and revisions of before match nothing any more, and sessions of before have ended.`,
    "- A copy of the directory as it is now is kept inside it.",
    "Never do this while a majority of the old cluster can still be started, and never start its lost nodes again.",
  ];
  return lines.map((line) => `${line}\n`).join("");
}

async function confirm({ clusterName, clusterId }: RecoveryPlan, out: (text: string) => void): Promise<void> {
  const name = clusterName === "" ? clusterId : clusterName;
  out(`Type the cluster's ${clusterName === "" ? "id" : "name"}, ${name}, to go on: `);
  const answer = await readAnswer();
  // On a terminal whoever answers ends the line.
  if (!Deno.stdin.isTerminal()) out("\n");
  if (answer !== name) {
    throw new Failure("Not recovered: that is not its name, and nothing was changed; --yes does not ask");
  }
}

/** The first line of standard input, as far as anybody may type. */
async function readAnswer(): Promise<string> {
  const buffer = new Uint8Array(ANSWER_BYTES_MAX);
  let length = 0;
  while (length < buffer.length && !buffer.subarray(0, length).includes(0x0a)) {
    const count = await Deno.stdin.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  return new TextDecoder().decode(buffer.subarray(0, length)).split("\n")[0]?.trim() ?? "";
}

function showRecovery({ nodeId, configuration }: RecoveryPlan, { clusterId, kept, keys }: Recovery): string {
  const { learners } = configuration;
  const joining = learners.length === 0
    ? "Other nodes join it with empty directories and --join."
    : `Then start nodes ${
      learners.join(", ")
    } with empty directories and --new-identity: they get the data and a vote.`;
  return [
    `Recovered: node ${nodeId} with ${keys} ${keys === 1 ? "key" : "keys"} is the cluster ${clusterId}.\n`,
    `The old data is in ${kept}; delete it when all is well.\n`,
    `Start node ${nodeId} as before. ${joining}\n`,
  ].join("");
}
