/** What commands.jsonl holds, and when it may be written anew: never with another meaning under the same version. */

import { createHash } from "node:crypto";
import { resultToJson } from "../../../../lib/kv/results.ts";
import type { StateMachine } from "../../../../lib/kv/state_machine.ts";
import type { MeaningCase } from "./cases.ts";
import { blocksOf, contentOf, emptyState, spanOf } from "../../../support/state.ts";

/** The versions under which the commands have their meaning. */
export interface Versions {
  /** `PROTOCOL_VERSION`. */
  readonly protocol: number;
  /** `COMMAND_VERSION`: a log of another one is refused. */
  readonly command: number;
  /** `SNAPSHOT_FORMAT`: a state of another one is refused. */
  readonly state: number;
}

/** One entry: its bytes, its result, and the digest of the state behind it. */
export type RecordedStep = readonly [encoded: string, result: unknown, stateDigest: string];

/** What the file holds. */
export interface Meaning {
  readonly versions: Versions;
  /** The names of all calls: one that is new to a node is an error to the node before it. */
  readonly calls: readonly string[];
  readonly cases: Readonly<Record<string, readonly RecordedStep[]>>;
}

const DIGEST_DIGITS = 16;

/** Applies the entries of a case to an empty state. */
export function record({ steps }: MeaningCase): readonly RecordedStep[] {
  const state = emptyState();
  const recorded: RecordedStep[] = [];
  for (const [at, { encoded, silent }] of steps.entries()) {
    const result = state.apply(at + 1, spanOf(encoded));
    if (!silent) recorded.push([encoded, resultToJson(result), digestOf(state)]);
  }
  return recorded;
}

function digestOf(state: StateMachine): string {
  const hash = createHash("sha256");
  hash.update(contentOf(blocksOf(state)), "latin1");
  return hash.digest("hex").slice(0, DIGEST_DIGITS);
}

/** Why `now` must not take the place of `before`; undefined when it may. */
export function findObjection(before: Meaning, now: Meaning): string | undefined {
  const names = ["protocol", "command", "state"] as const;
  const lowered = names.find((name) => now.versions[name] < before.versions[name]);
  if (lowered !== undefined) return `The ${lowered} version went back from ${before.versions[lowered]}`;
  const changed = Object.keys(before.cases).filter((name) => !isSame(before.cases[name], now.cases[name]));
  const meantOtherwise = changed.filter((name) => !isSame(...withoutDigests(before, now, name)));
  if (!isSame(before.calls, now.calls)) meantOtherwise.push("the list of calls");
  const rose = (name: keyof Versions): boolean => now.versions[name] > before.versions[name];
  if (meantOtherwise.length > 0 && !(rose("protocol") && rose("command"))) {
    return `The meaning of commands has changed (${meantOtherwise.join(", ")}): raise PROTOCOL_VERSION and ` +
      "COMMAND_VERSION, see CONTRIBUTING.md";
  }
  if (changed.length > 0 && !(rose("protocol") && (rose("command") || rose("state")))) {
    return `The states that commands give have changed (${changed.join(", ")}): raise PROTOCOL_VERSION and ` +
      "COMMAND_VERSION, or SNAPSHOT_FORMAT where only the form of the snapshot is another, see CONTRIBUTING.md";
  }
  return undefined;
}

/** Versions and calls, then one entry a line, so that a change shows which it is. */
export function format({ versions, calls, cases }: Meaning): string {
  const entries = Object.entries(cases).flatMap(([name, steps]) => steps.map((step) => [name, ...step]));
  return [{ versions, calls }, ...entries].map((line) => `${ascii(line)}\n`).join("");
}

/** Reads what `format` wrote. */
export function parse(text: string): Meaning {
  const [head, ...entries] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  const cases: Record<string, RecordedStep[]> = {};
  for (const [name, ...step] of entries) (cases[name] ??= []).push(step);
  return { ...head, cases };
}

function withoutDigests(before: Meaning, now: Meaning, name: string): [unknown, unknown] {
  const [left, right] = [before, now].map(({ cases }) => cases[name]?.map(([encoded, result]) => [encoded, result]));
  return [left, right];
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** JSON that every editor leaves as it is. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
