/**
 * The row of a command: everything that is known about it beside what it does, each fact once. COMMAND, the client's table and
 * the one in docs/redis.md are made from the rows.
 */

import type { Call } from "./commands.ts";

/** What a command does to what. */
export type Access =
  /** Reads keys. */
  | "Read"
  /** Changes keys. */
  | "Write"
  /** Tells about servers, and changes nothing: any server may be asked again. */
  | "Look"
  /** Changes the server that gets it, or is about that one alone. */
  | "Server"
  /** Changes sessions, or belongs to one already: none may number it. */
  | "Session"
  /** Changes the connection. */
  | "Connection";

/** How the leader's time stamp bears on a command. */
export type Timing =
  /** Not at all. */
  | "None"
  /** It decides which keys have expired. */
  | "Expiry"
  /** Deadlines are counted from it or compared with it, too, or it is told. */
  | "Clock";

/**
 * How many bytes a command adds at most, to keys, values, deadlines and sessions; what the store needs for each of them comes on
 * top. Whether Redis refuses it when memory is full is another matter, and a flag.
 */
export type Growth =
  | "None"
  /** As many as its words have. */
  | "OwnBytes"
  /** As many as the commands that it contains. */
  | "ItsCalls"
  /** So many, as its words tell. */
  | ((call: Call) => number);

/** The group that Redis has a command in. */
export type Group = "string" | "generic" | "transactions" | "connection" | "server" | "cluster";

/** Flags of Redis that do not follow from the access, in its order. */
export const FLAGS = [
  ...["denyoom", "admin", "noscript", "loading", "stale", "skip_slowlog", "fast", "no_auth"] as const,
  ...["no_async_loading", "no_multi", "movablekeys", "allow_busy"] as const,
] as const;

/** Categories of Redis, in its order. */
export const CATEGORIES = [
  ...["@keyspace", "@read", "@write", "@string", "@admin", "@fast", "@slow", "@dangerous"] as const,
  ...["@connection", "@transaction"] as const,
] as const;

/** Places of keys among the words, as COMMAND tells them: 0 for none, and a negative `last` counts from the end. */
export interface KeyPlaces {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** Everything that is known about a command or a subcommand. */
export interface CommandRow {
  /** In capitals; of a subcommand without that of its command. */
  readonly name: string;
  /** What stands behind its name, as HELP shows it; "" for nothing. */
  readonly usage: string;
  /** Number of words with every name; a negative number is the least. */
  readonly arity: number;
  /** Most words of a subcommand whose arity is the least; undefined for any number. */
  readonly most?: number;
  /** One sentence. */
  readonly summary: string;
  readonly access: Access;
  readonly keys: KeyPlaces;
  readonly timing: Timing;
  readonly grows: Growth;
  /** The release of Redis that has it first. For what is beyond Redis: the one that clients take this server for. */
  readonly since: string;
  readonly isBeyondRedis: boolean;
  readonly group: Group;
  readonly flags: readonly (typeof FLAGS)[number][];
  /** It changes more than keys and the connection that gives it: the audit log has it. */
  readonly isAudited?: boolean;
  /** Those that follow neither from flags nor from access; undefined where they follow from the group. */
  readonly categories?: readonly (typeof CATEGORIES)[number][];
  /** For proxies, in the order of Redis. */
  readonly tips: readonly string[];
  /** Its subcommands by name. They are a part of the name: another one is refused at once, even in a MULTI. */
  readonly subcommands?: ReadonlyMap<string, CommandRow>;
  /** The release that has HELP first, of a command with subcommands. */
  readonly helpSince?: string;
}

/** A row but for its sentence and its subcommands, which are written beside what the command does. */
export type Facts = Omit<CommandRow, "summary" | "subcommands">;

/** What must be told of a command; the rest is read from its form, or is what most commands have. */
export type GivenFacts = Pick<CommandRow, "access" | "since" | "group"> & Partial<Facts>;

/** What must be told of a command on keys. */
export type FactsOfCall = Pick<CommandRow, "since"> & Partial<Facts>;

/** Keys at the first place only. */
export const FIRST_KEY: KeyPlaces = { first: 1, last: 1, step: 1 };
/** Every word is a key. */
export const ALL_KEYS: KeyPlaces = { first: 1, last: -1, step: 1 };
/** No key. */
export const NO_KEYS: KeyPlaces = { first: 0, last: 0, step: 0 };

/**
 * The facts of a command from its form, such as `MGET <key> [<key> ...]`, whose words before the first `[` or `...` are its
 * arity. Unless told otherwise it has no keys and nothing to do with time, and adds nothing.
 */
export function row(form: string, given: GivenFacts): Facts {
  const [name = "", ...usage] = form.split(" ");
  const needed = form.replace(/ (\[|\.\.\.).*/, "");
  const words = needed.split(" ").length;
  const arity = needed === form ? words : -words;
  const usual = { keys: NO_KEYS, timing: "None", grows: "None", flags: [], tips: [], isBeyondRedis: false } as const;
  return { name, usage: usage.join(" "), arity, ...usual, ...given };
}

/** The facts of a subcommand from a form such as `OBJECT ENCODING <key>`. */
export function subcommand(form: string, given: GivenFacts): Facts {
  const { usage, ...facts } = row(form, given);
  const [name = "", ...rest] = usage.split(" ");
  return { ...facts, name, usage: rest.join(" ") };
}

/** The facts of a command that reads a string. */
export function reads(form: string, given: FactsOfCall): Facts {
  return row(form, { access: "Read", group: "string", keys: FIRST_KEY, timing: "Expiry", ...given });
}

/** The facts of a command that changes a string and adds no more than it brings. */
export function writes(form: string, given: FactsOfCall): Facts {
  const usual = { access: "Write", group: "string", keys: FIRST_KEY, timing: "Expiry", grows: "OwnBytes" } as const;
  return row(form, { ...usual, ...given });
}

/** Rows by their names. */
export function byName<Row extends Pick<CommandRow, "name">>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((each) => [each.name, each]));
}
