/** Rights of users in the words of Redis, as far as they map: patterns that are prefixes, and the categories read, write and admin. */

import { type Grant, makeRights, NO_RIGHTS, type Rights, type RightsChange } from "../../kv/rights.ts";

/** What the rules of one ACL SETUSER come to. */
export interface AclChange {
  /** Undefined where no rule names one. */
  readonly password: string | undefined;
  readonly rights: RightsChange;
}

/** Rules that hold for every user, or say what is so anyway. */
const HELD_RULES: readonly string[] = ["on", "&*", "allchannels", "resetchannels", "sanitize-payload"];
/** Rules that take every right away, and of what stands before them the patterns, the categories, or both. */
const CLEARING_RULES: ReadonlyMap<string, "Patterns" | "Categories" | "Both"> = new Map([
  ["reset", "Both"],
  ["resetkeys", "Patterns"],
  ["-@all", "Categories"],
  ["nocommands", "Categories"],
]);
const EVERY_COMMAND: readonly string[] = ["+@all", "allcommands"];
/** With a meaning in a pattern, unless a backslash stands before. */
const SPECIAL = /[*?[\]\\^]/g;
const SHOWN_BYTES_MAX = 64;

/** Which of both a pattern or a category is about. */
interface Uses {
  readonly read: boolean;
  readonly write: boolean;
}

/** What rules give, before patterns and categories are put together. */
class RuleReader {
  password: string | undefined;
  clears = false;
  isAdmin = false;
  #patterns: Grant[] = [];
  #read = false;
  #write = false;
  #all = false;

  /** Why the rule cannot be taken; undefined when it is. */
  take(rule: string): string | undefined {
    const word = rule.toLowerCase();
    if (rule.startsWith(">")) this.password = rule.slice(1);
    else if (CLEARING_RULES.has(word)) this.#clear(word);
    else if (word === "+@admin") this.isAdmin = true;
    else if (EVERY_COMMAND.includes(word)) this.#all = true;
    else if (word === "+@read") this.#read = true;
    else if (word === "+@write") this.#write = true;
    else if (word === "allkeys") this.#patterns.push({ prefix: "", read: true, write: true });
    else if (word === "nopass") return "every user has a password: give one as ><password>";
    else if (word === "off") return "a user who is to stay out is removed: ACL DELUSER";
    else if (!HELD_RULES.includes(word)) return this.#takePattern(rule);
    return undefined;
  }

  /** The rights, or why the rules do not go together. */
  finish(): Rights | string {
    const isEveryKey = this.#patterns.some(({ prefix, read, write }) => prefix === "" && read && write);
    const uses = { read: this.#read || this.#all, write: this.#write || this.#all };
    if ((uses.read || uses.write) !== this.#patterns.length > 0) {
      return "ERR patterns of keys and +@read, +@write or +@all belong together, in the same ACL SETUSER: ~app:* +@read";
    }
    const isAdmin = this.isAdmin || (this.#all && isEveryKey);
    const grants = isAdmin ? [] : this.#patterns.map((pattern): Grant => {
      return { prefix: pattern.prefix, read: pattern.read && uses.read, write: pattern.write && uses.write };
    });
    return makeRights(isAdmin, grants) ??
      "ERR no such rights: each pattern needs a category that it lets do something, and both are bounded";
  }

  #clear(word: string): void {
    this.clears = true;
    const what = CLEARING_RULES.get(word);
    if (what !== "Categories") this.#patterns = [];
    if (what === "Patterns") return;
    this.isAdmin = false;
    this.#all = false;
    this.#read = false;
    this.#write = false;
  }

  #takePattern(rule: string): string | undefined {
    const [, letters, pattern] = /^(?:~|%(R|W|RW|WR)~)(.*)$/is.exec(rule) ?? [];
    if (pattern === undefined) return NOT_OFFERED;
    const prefix = prefixOf(pattern);
    if (prefix === undefined) return "a pattern of keys is a prefix and an asterisk, such as ~app:*";
    this.#patterns.push({ prefix, ...usesOf(letters) });
    return undefined;
  }
}

const NOT_OFFERED =
  "only ><password>, on, ~<prefix>*, %R~<prefix>*, %W~<prefix>*, allkeys, +@read, +@write, +@all, +@admin, " +
  "reset, resetkeys and -@all are known";

function usesOf(letters = "RW"): Uses {
  const capitals = letters.toUpperCase();
  return { read: capitals.includes("R"), write: capitals.includes("W") };
}

/** Reads the rules of ACL SETUSER. A text says what is wrong; what may hold a password is not repeated in it. */
export function readAclRules(rules: readonly string[]): AclChange | string {
  const reader = new RuleReader();
  for (const rule of rules) {
    const why = reader.take(rule);
    const shown = /^[<>#!]/.test(rule) ? rule.charAt(0) : rule.slice(0, SHOWN_BYTES_MAX);
    if (why !== undefined) return `ERR Error in ACL SETUSER modifier '${shown}': ${why}`;
  }
  const granted = reader.finish();
  if (typeof granted === "string") return granted;
  return { password: reader.password, rights: { revoked: reader.clears ? "All" : NO_RIGHTS, granted } };
}

/** The categories of commands that rights come to. */
export function commandsOf({ isAdmin, grants }: Rights): string {
  if (isAdmin) return "+@all";
  const [reads, writes] = [grants.some(({ read }) => read), grants.some(({ write }) => write)];
  return `-@all${reads ? " +@read" : ""}${writes ? " +@write" : ""}`;
}

/** The patterns of keys that rights come to. */
export function keysOfRights({ isAdmin, grants }: Rights): string {
  if (isAdmin) return "~*";
  return grants.map(({ prefix, read, write }) => {
    const pattern = `~${prefix.replaceAll(SPECIAL, (special) => `\\${special}`)}*`;
    return read && write ? pattern : `%${read ? "R" : "W"}${pattern}`;
  }).join(" ");
}

/** The prefix of a pattern that is one; undefined for every other pattern. */
function prefixOf(pattern: string): string | undefined {
  if (!/^(?:[^*?[\]\\^]|\\.)*\*$/s.test(pattern)) return undefined;
  return pattern.slice(0, -1).replaceAll(/\\(.)/gs, "$1");
}
