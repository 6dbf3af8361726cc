/** `kvstore member`: who belongs to the cluster, and the changes of that; each may be repeated after any failure. */

import { alignColumns } from "../cluster/ready_text.ts";
import type { NodeId } from "../raft/types.ts";
import type { ClusterMember, ClusterView } from "./cluster_view.ts";
import type { CommandContext } from "./command_context.ts";
import { ADDRESS_FORM } from "../node/membership/member_addresses.ts";
import { confirmOrThrow } from "./confirmation.ts";
import { EXIT, Failure } from "./failures.ts";
import { MemberChanges } from "./member_changes.ts";
import { isAddress } from "../transport/address.ts";
import * as texts from "./member_texts.ts";
import { type Place, readNodeId, readPlace, showAddress } from "./peers.ts";
import { quoteForPeople, UsageError } from "./usage_error.ts";

/** What a change has led to: the member that it was about, and what people are told. */
interface Done {
  readonly id: NodeId;
  readonly text: string;
  /** Of a member that was removed: whether the cluster keeps in mind that it was. */
  readonly listed?: boolean;
  /** What it was done with: of the nodes that it was told to ask none may be left by now. */
  readonly changes: MemberChanges;
}

type Run = (context: CommandContext, operands: readonly string[]) => Promise<Done>;

const CHANGES: Readonly<Record<string, { readonly operands: number; readonly run: Run }>> = {
  add: { operands: 1, run: add },
  promote: { operands: 1, run: promote },
  remove: { operands: 1, run: remove },
  replace: { operands: 2, run: replace },
  move: { operands: 2, run: move },
  drain: { operands: 1, run: drain },
  undrain: { operands: 1, run: undrain },
};

/** Shows the members or changes them. Throws `Failure`, `UsageError`. */
export async function runMemberCommand(context: CommandContext): Promise<number> {
  const { operands: [word = "list", ...operands], settings, surroundings } = context;
  if (word === "list" && operands.length === 0) return await list(context);
  const change = Object.hasOwn(CHANGES, word) ? CHANGES[word] : undefined;
  if (change === undefined && word !== "list") {
    const words = Object.keys(texts.USAGES).join(", ");
    throw new UsageError(`member takes one of ${words}, not ${quoteForPeople(word)}`);
  }
  if (change === undefined || operands.length !== change.operands) {
    throw new UsageError(`${quoteForPeople(context.operands.join(" "))} does not fit; use ${texts.USAGES[word]}`);
  }
  const { changes, text, ...done } = await change.run(context, operands);
  const shown = settings.enabled("json")
    ? JSON.stringify({ ...done, members: (await changes.json())["members"] })
    : text;
  surroundings.out(`${shown}\n`);
  return EXIT.ok;
}

async function list(context: CommandContext): Promise<number> {
  const { settings, surroundings } = context;
  const changes = new MemberChanges(context);
  if (settings.enabled("json")) {
    const { leader, term, members } = await changes.json();
    surroundings.out(`${JSON.stringify({ leader, term, members })}\n`);
    return EXIT.ok;
  }
  const { leader, members } = await changes.view();
  const rows = members.map((member) => [
    String(member.id),
    `${member.id === leader ? "leader" : member.voter ? "voter" : "learner"}${member.drained ? ", drained" : ""}`,
    member.reachable ? "yes" : "no",
    String(member.lag ?? "-"),
    member.clientAddress,
  ]);
  const lines = alignColumns([["Id", "Role", "Reachable", "Lag", "Address"], ...rows]);
  surroundings.out(lines.map((line) => `${line.trimEnd()}\n`).join(""));
  return EXIT.ok;
}

async function add(context: CommandContext, [where = ""]: readonly string[]): Promise<Done> {
  const place = placeOf(where);
  const changes = new MemberChanges(context);
  confirmOrThrow(context, texts.willAdd(where));
  const id = await changes.add(place);
  return { id, changes, text: texts.added(id, place, await changes.view()) };
}

async function promote(context: CommandContext, [operand = ""]: readonly string[]): Promise<Done> {
  const id = readNodeId(operand);
  const changes = new MemberChanges(context);
  confirmOrThrow(context, texts.willPromote(id, await changes.view()));
  await changes.promote(id);
  return { id, changes, text: texts.promoted(id, await changes.view()) };
}

async function remove(context: CommandContext, [operand = ""]: readonly string[]): Promise<Done> {
  const id = readNodeId(operand);
  const changes = new MemberChanges(context);
  confirmOrThrow(context, texts.willRemove(id, await changes.view()));
  const listed = await changes.remove(id);
  return { id, listed, changes, text: texts.removed(id, listed) };
}

/** Done when it does not lead any more. */
async function drain(context: CommandContext, [operand = ""]: readonly string[]): Promise<Done> {
  const id = readNodeId(operand);
  const changes = new MemberChanges(context);
  confirmOrThrow(context, texts.willDrain(id, await changes.view()));
  await changes.drain(id, "drain");
  await changes.until(({ leader }) => leader !== undefined && leader !== id, texts.stillLeads(id));
  return { id, changes, text: texts.drained(id) };
}

async function undrain(context: CommandContext, [operand = ""]: readonly string[]): Promise<Done> {
  const id = readNodeId(operand);
  const changes = new MemberChanges(context);
  confirmOrThrow(context, texts.willUndrain(id, await changes.view()));
  await changes.drain(id, "undrain");
  return { id, changes, text: texts.undrained(id) };
}

/** Each step is looked for before it is taken, so that the same command goes on wherever an earlier one ended. */
async function replace(context: CommandContext, [first = "", second = ""]: readonly string[]): Promise<Done> {
  const old = readNodeId(first);
  const replacement = /^[0-9]+$/.test(second) ? readNodeId(second) : placeOf(second);
  if (replacement === old) throw new UsageError(`A member cannot replace itself, and ${old} is named twice`);
  const changes = new MemberChanges(context);
  const before = await changes.view();
  const known = findMember(before, replacement);
  if (findMember(before, old) === undefined) {
    if (known?.voter === true) return { id: known.id, changes, text: texts.replaced(old, known.id) };
    throw new Failure(texts.noMember(old, before));
  }
  confirmOrThrow(context, texts.willReplace(old, second));
  const id = known?.id ?? (typeof replacement === "number" ? replacement : await addFor(context, changes, replacement));
  await changes.until((view) => findMember(view, id) !== undefined, texts.notJoined(id));
  await changes.promote(id);
  await changes.remove(old);
  return { id, changes, text: texts.replaced(old, id) };
}

async function addFor(context: CommandContext, changes: MemberChanges, place: Place): Promise<NodeId> {
  const id = await changes.add(place);
  context.surroundings.err(`${texts.added(id, place, await changes.view())}\n`);
  return id;
}

async function move(context: CommandContext, [operand = "", where = ""]: readonly string[]): Promise<Done> {
  const id = readNodeId(operand);
  const place = placeOf(where);
  const address = showAddress(place.host, place.port);
  const changes = new MemberChanges(context, [place]);
  const before = await changes.view();
  if (findMember(before, id) === undefined) throw new Failure(texts.noMember(id, before));
  const holder = findMember(before, place);
  if (holder !== undefined && holder.id !== id) throw new Failure(texts.taken(address, holder.id));
  const isThere = (view: ClusterView) => {
    const member = findMember(view, id);
    return member?.clientAddress === address && member.reachable;
  };
  if (!isThere(before)) {
    const held = whyHeld(before, id);
    if (held !== undefined) throw new Failure(held);
    const pause = whatPauses(before, id);
    for (const line of [texts.willMove(id, place), ...pause]) context.surroundings.err(`${line}\n`);
  }
  await changes.until(isThere, texts.notMoved(id, address));
  return { id, changes, text: texts.moved(id, address) };
}

/** Why that member is not to be stopped for a while; nothing holds one that does not answer. */
function whyHeld(view: ClusterView, id: NodeId): string | undefined {
  const voters = view.members.filter(({ voter }) => voter);
  const lost = voters.filter(({ reachable }) => !reachable).map((member) => member.id);
  const needed = Math.floor(voters.length / 2) + 1;
  const isHeld = voters.some((voter) => voter.id === id && voter.reachable) && lost.length > 0 &&
    voters.length - lost.length <= needed;
  return isHeld ? texts.notSpared(id, { needed, lost }) : undefined;
}

/** What is told where the cluster stands still without that voter, though all others answer. */
function whatPauses({ members }: ClusterView, id: NodeId): readonly string[] {
  const voters = members.filter(({ voter }) => voter);
  const isNeeded = voters.some((voter) => voter.id === id && voter.reachable) && voters.length <= 2;
  return isNeeded ? [texts.willPause(id, voters.length)] : [];
}

/** The member with that id or that client address. */
function findMember({ members }: ClusterView, what: NodeId | Place): ClusterMember | undefined {
  if (typeof what !== "object") return members.find(({ id }) => id === what);
  const address = showAddress(what.host, what.port);
  return members.find(({ clientAddress }) => clientAddress === address);
}

function placeOf(text: string): Place {
  const place = readPlace(text, { ownHost: "127.0.0.1", flag: "The command" });
  if (isAddress(showAddress(place.host, place.port))) return place;
  throw new UsageError(`${quoteForPeople(text)} does not fit: ${ADDRESS_FORM}`);
}
