/** What users were told while a right was revoked, by one clock, and what of it must not be. */

import type { Kind, Told } from "./user_clients.ts";

/** One request. Times by `performance.now()`. */
export interface Deed {
  readonly user: string;
  /** The client, for people: protocol and node. */
  readonly client: string;
  readonly kind: Kind;
  /** A key, or the beginning of those that are listed. */
  readonly key: string;
  readonly call: number;
  readonly end: number;
  readonly told: Told;
}

/** A change that somebody was shown as it came. */
export interface Seen {
  readonly user: string;
  readonly key: string;
}

/** Who has lost what, and when that was acknowledged first. */
export interface Revocation {
  readonly user: string;
  /** The beginning of the keys that are for that user no more; "" for all. */
  readonly prefix: string;
  readonly askedAt: number;
  readonly acknowledgedAt: number;
}

/** Everything that was told. */
export interface Ledger {
  readonly deeds: readonly Deed[];
  readonly seen: readonly Seen[];
  /** Every key that is there in the end; none of those that are written is ever removed. */
  readonly keys: ReadonlySet<string>;
}

/** So much of an answer is shown. */
const TOLD_SHOWN = 100;

/** One line for each promise that is broken. */
export function brokenPromises(
  { deeds, seen, keys }: Ledger,
  { user, prefix, askedAt, acknowledgedAt }: Revocation,
): readonly string[] {
  const isLate = (deed: Deed) => deed.call > acknowledgedAt;
  const isTaken = (deed: Deed) => deed.user === user && deed.key.startsWith(prefix);
  const late = deeds.filter((deed) => isTaken(deed) && isLate(deed));
  const lateKeys = new Set(deeds.filter((deed) => isLate(deed) && isWrite(deed)).map(({ key }) => key));
  return [
    ...late.filter(({ told }) => told.type === "Done").map((deed) => `done after the revocation: ${line(deed)}`),
    ...late.filter((deed) => isWrite(deed) && keys.has(deed.key)).map((deed) => `has come to be: ${line(deed)}`),
    ...late.filter(({ told }) => told.type === "Shown" && told.keys.some((key) => key.startsWith(prefix)))
      .map((deed) => `shown after the revocation: ${line(deed)}`),
    ...seen.filter((each) => each.user === user && each.key.startsWith(prefix) && lateKeys.has(each.key))
      .map(({ key }) => `a stream has shown ${key}, which was written after the revocation`),
    ...deeds.filter((deed) => deed.told.type === "Refused" && !(isTaken(deed) && deed.end > askedAt))
      .map((deed) => `refused without a reason: ${line(deed)}`),
    ...deeds.filter((deed) => deed.told.type === "Done" && !keys.has(deed.key)).map((deed) => `lost: ${line(deed)}`),
  ];
}

function isWrite({ kind }: Deed): boolean {
  return kind === "write" || kind === "guarded write";
}

function line({ user, client, kind, key, told }: Deed): string {
  return `${user} by ${client}: ${kind} ${key}: ${JSON.stringify(told).slice(0, TOLD_SHOWN)}`;
}
