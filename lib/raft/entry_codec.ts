/** Entries as one text, the form they have in frames and in the log: written once, stored and sent as it is. */

import { readList, writeList } from "../base/long_strings.ts";
import { type Configuration, type Entry, type Index, type Member, type Term, toIndex } from "./types.ts";

/** A command is a string, a no-op null, a configuration an object. */
type EncodedEntry = string | null | Configuration;

/** Encodes entries of one term; `firstIndex` and `term` travel beside the text. Characters are bytes, and never the head of a record. */
export function encodeEntries(entries: readonly Entry[]): string {
  const encoded: EncodedEntry[] = [];
  let isByteString = true;
  for (const entry of entries) {
    if (entry.type === "Command") encoded.push(entry.command);
    else if (entry.type === "NoOp") encoded.push(null);
    else {
      encoded.push(entry.configuration);
      isByteString = false;
    }
  }
  const text = writeList(encoded);
  // An address is text and may hold what no byte can: in the log it would become another character, or a line end.
  return isByteString ? text : text.replace(BEYOND_BYTES, escapeCharacter);
}

/** The driver makes 32 hex digits; to the core it is any word. */
const CLUSTER_ID = /^[\x21-\x7e]{1,200}$/;
const BEYOND_BYTES = /[\u0100-\uffff]/g;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Reads what `encodeEntries` wrote. Returns undefined for any other text: the caller drops the frame or names the damage. */
export function decodeEntries(text: string, firstIndex: Index, term: Term): Entry[] | undefined {
  const parsed = readList(text);
  if (parsed === undefined) return undefined;
  const entries: Entry[] = [];
  let index: number = firstIndex;
  for (const item of parsed) {
    const entry = decodeEntry(item, toIndex(index), term);
    if (entry === undefined) return undefined;
    entries.push(entry);
    index += 1;
  }
  return entries;
}

function decodeEntry(item: unknown, index: Index, term: Term): Entry | undefined {
  if (typeof item === "string") return { type: "Command", index, term, command: item };
  if (item === null) return { type: "NoOp", index, term };
  const configuration = decodeConfiguration(item);
  return configuration === undefined ? undefined : { type: "Configuration", index, term, configuration };
}

/** Checks the shape of a configuration read from a frame or a file; undefined when it is not one. */
export function decodeConfiguration(value: unknown): Configuration | undefined {
  if (!isRecord(value)) return undefined;
  const { members, voters, votersOld, learners, clusterId } = value;
  if (clusterId !== undefined && !isClusterId(clusterId)) return undefined;
  if (!isIdList(voters) || !isIdList(votersOld) || !isIdList(learners)) return undefined;
  if (!Array.isArray(members) || !members.every(isMember)) return undefined;
  const known = new Set(members.map((member) => member.id));
  const listed = [...voters, ...votersOld, ...learners];
  if (!listed.every((id) => known.has(id)) || known.size !== members.length) return undefined;
  const named = clusterId === undefined ? {} : { clusterId };
  return { members: members.map(memberOf), voters, votersOld, learners, ...named };
}

/** Whether a value can be the id of a cluster. */
export function isClusterId(value: unknown): value is string {
  return typeof value === "string" && CLUSTER_ID.test(value);
}

/** Without fields that nobody asked for: they would go into the log of every server. */
function memberOf({ id, address, clientAddress, httpAddress, identity }: Member): Member {
  return { id, address, clientAddress, ...(httpAddress === undefined ? {} : { httpAddress }), identity };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0x7fffffff;
}

function isIdList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((id, at) => isId(id) && (at === 0 || value[at - 1] < id));
}

function isMember(value: unknown): value is Member {
  return isRecord(value) && isId(value["id"]) && typeof value["address"] === "string" &&
    typeof value["clientAddress"] === "string" && typeof value["identity"] === "string" &&
    (value["httpAddress"] === undefined || typeof value["httpAddress"] === "string");
}
