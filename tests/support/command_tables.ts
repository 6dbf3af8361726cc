/** What is made from the rows of the commands: the client's table, and the tables in docs/redis.md. Pure. */

import type { Access, Group } from "../../lib/kv/command_row.ts";
import { COMMANDS, type DescribedCommand } from "../../lib/protocol/resp/commands.ts";

/** Between these lines stands what is made; it begins behind the first of them. */
export const MARKS = { begin: "<!-- commands:begin -->\n", end: "<!-- commands:end -->" } as const;

/** What the client may do; undefined for what it takes for granted of a name that it does not know. */
const CLIENT_ACCESS: Readonly<Record<Access, "Read" | "Server" | "Forbidden" | undefined>> = {
  Read: "Read",
  Look: "Read",
  Write: undefined,
  Server: "Server",
  Session: "Server",
  Connection: "Forbidden",
};
const LINE_LENGTH_MAX = 100;

/** The text of lib/client/command_access.ts. */
export function makeClientTable(): string {
  const members = (["Read", "Server", "Forbidden"] as const).map((access) => {
    const names = [...COMMANDS.values()].filter((entry) => CLIENT_ACCESS[entry.access] === access);
    const lines = linesOf(names.map(({ name }) => name));
    const texts = lines.map((line, at) => JSON.stringify(at === lines.length - 1 ? line : `${line} `));
    return `  ${access}: ${texts.join(" +\n    ")},\n`;
  });
  return `/** How commands may be sent, as their rows on the server tell. \`deno task tables\` writes this file. */

/** Names in capitals, with a blank between them, for each access but "Write". */
export const COMMAND_ACCESS = {\n${members.join("")}} as const;\n`;
}

function linesOf(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > LINE_LENGTH_MAX) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

const HEADINGS: Readonly<Record<Group, string>> = {
  string: "Strings",
  generic: "Keys",
  transactions: "Transactions",
  connection: "Connection",
  server: "Server",
  cluster: "Cluster",
};

/** What stands between the marks in docs/redis.md. */
export function makeDocumentedTables(): string {
  const all = [...COMMANDS.values()];
  const groups = Object.entries(HEADINGS).map(([group, heading]) => {
    return { heading, entries: all.filter((entry) => entry.group === group && !entry.isBeyondRedis) };
  });
  const own = { heading: "Beyond Redis", entries: all.filter(({ isBeyondRedis }) => isBeyondRedis) };
  const helpful = all.filter(({ subcommands }) => subcommands.size > 0).map(({ name }) => name).sort();
  const sections = [...groups, own].map(({ heading, entries }) => {
    const rows = entries.flatMap((entry) => rowsOf(entry));
    return [
      `### ${heading}`,
      "",
      "| command | what it does | Redis has it since |",
      "| --- | --- | --- |",
      ...rows,
      "",
    ];
  });
  return ["", ...sections.flat(), `${helpful.slice(0, -1).join(", ")} and ${helpful.at(-1)} have HELP.`, ""].join("\n");
}

/** A command with subcommands is told of by those, unless it does something without one. */
function rowsOf(entry: DescribedCommand): readonly string[] {
  const subcommands = [...entry.subcommands.values()].filter(({ name }) => name !== "HELP");
  const described = subcommands.map((each) => rowOf(each, `${entry.name} ${each.name}`));
  if (subcommands.length === 0) return [rowOf(entry, entry.name)];
  return entry.arity === -1 ? [rowOf({ ...entry, usage: "" }, entry.name), ...described] : described;
}

function rowOf({ usage, summary, since, isBeyondRedis }: DescribedCommand, name: string): string {
  const form = `${name} ${usage}`.trimEnd().replaceAll("|", "\\|");
  return `| \`${form}\` | ${summary} | ${isBeyondRedis ? "" : since} |`;
}
