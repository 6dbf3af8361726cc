/** The commands of the text protocol as the client must know them: their names, and how their replies are framed. */

/** How the client treats a command. */
export interface CommandTraits {
  readonly name: string;
  readonly aliases: readonly string[];
  /** A write goes to the leader; a read may be asked again anywhere; the rest is about the node it is sent to. */
  readonly kind: "write" | "read" | "node";
  /** The reply ends with an empty line, unless it is an error. */
  readonly multiLine: boolean;
  /** The second word with which, unlike with others, the reply has several lines. */
  readonly multiLineWith?: string;
  /** Done by the client itself: it knows more of its own history and screen than the server does. */
  readonly local?: true;
}

/** Every command, in the order of the help. */
export const VOCABULARY: readonly CommandTraits[] = [
  { name: "PUT", aliases: ["P", "SET", "ADD", "UPDATE", "WRITE"], kind: "write", multiLine: false },
  { name: "GET", aliases: ["G", "FETCH", "READ", "RETRIEVE"], kind: "read", multiLine: false },
  { name: "DELETE", aliases: ["D", "DEL", "REMOVE", "RM"], kind: "write", multiLine: false },
  { name: "STATUS", aliases: ["S"], kind: "node", multiLine: true },
  { name: "METRICS", aliases: ["M"], kind: "node", multiLine: true },
  { name: "LOGSIZE", aliases: [], kind: "node", multiLine: true },
  { name: "SNAPSHOT", aliases: [], kind: "node", multiLine: false },
  { name: "LOGS", aliases: [], kind: "node", multiLine: true },
  { name: "CLUSTER", aliases: [], kind: "node", multiLine: true },
  { name: "MEMBER", aliases: [], kind: "node", multiLine: false, multiLineWith: "LIST" },
  { name: "WATCH", aliases: [], kind: "node", multiLine: true, local: true },
  { name: "HELP", aliases: ["H", "?"], kind: "node", multiLine: true },
  { name: "AUTH", aliases: ["LOGIN"], kind: "node", multiLine: false },
  { name: "STATS", aliases: [], kind: "node", multiLine: true },
  { name: "PING", aliases: [], kind: "node", multiLine: false },
  { name: "HISTORY", aliases: [], kind: "node", multiLine: true, local: true },
  { name: "CLEAR", aliases: [], kind: "node", multiLine: false, local: true },
  { name: "EXIT", aliases: ["Q", "QUIT", "BYE"], kind: "node", multiLine: false, local: true },
];

const byWord: ReadonlyMap<string, CommandTraits> = new Map(
  VOCABULARY.flatMap((traits) => [traits.name, ...traits.aliases].map((word) => [word, traits] as const)),
);

const UNKNOWN: CommandTraits = { name: "", aliases: [], kind: "node", multiLine: false };

/** The first word of a line, as typed. */
export function firstWord(line: string): string {
  return /^[ \t]*([^ \t\r]*)/.exec(line)?.[1] ?? "";
}

/** What is known of the command a line begins with; a word that is not known gets a reply of one line. */
export function traitsOf(line: string): CommandTraits {
  const traits = byWord.get(firstWord(line).toUpperCase()) ?? UNKNOWN;
  if (traits.multiLineWith === undefined) return traits;
  const [, second = ""] = line.trim().split(/[ \t]+/, 2);
  return second.toUpperCase() === traits.multiLineWith ? { ...traits, multiLine: true } : traits;
}

/** The names a first word may be completed to, in the case that was begun. */
export function completions(begun: string): readonly string[] {
  const names = VOCABULARY.map(({ name }) => name).filter((name) => name.startsWith(begun.toUpperCase()));
  return begun !== "" && begun === begun.toLowerCase() ? names.map((name) => name.toLowerCase()) : names;
}
