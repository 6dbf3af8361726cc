/** Makes docs/command-line.md of the tables of commands, flags and exit codes. */

import { FINAL_EXIT_CODES } from "../cluster/supervisor.ts";
import { COMMAND_TEXTS, EXIT_CODE_TEXTS } from "./command_texts.ts";
import { environmentName, type Flag, type FlagName, FLAGS, isSetting } from "./flags.ts";

const INTRODUCTION = `# Command line

One program is the server, the client and a launcher that runs a local cluster. From a clone, \`npx -y deno task cluster\`,
and in the same way \`node\`, \`cli\`, \`inspect\` and \`recover\`, stand for \`kvstore cluster\` and so on; with Deno installed, leave out \`npx -y\`.

This page is made from the tables in \`lib/cli\`; \`UPDATE=1 deno test -A tests/unit/cli/flags_doc_test.ts\` rewrites it.
`;

const SOURCES = `## Where settings come from

A flag goes before the environment, the environment before the file of \`--config\`, the file before the default. Write
\`--flag value\` or \`--flag=value\`; \`--\` ends the flags. The file holds one JSON object whose keys are the names of the
flags; a key that is not known is refused:

\`\`\`json
{ "node-id": 0, "port": 5000, "peers": ["10.0.0.2:5000", "10.0.0.3:5000"], "host": "10.0.0.1", "peer-tls-cert": "node-0.pem", "peer-tls-key": "node-0.key", "peer-tls-ca": "ca.pem", "bootstrap-user-file": "first-user" }
\`\`\`

Sizes are bytes, or have KiB, MiB or GiB behind the number.
`;

const PEERS = `## Who the nodes are

\`--peers\` names the other nodes, with commas between them; the node itself may be in the list. An entry is a port (on the
same host), \`host:port\`, or \`id=host:port\`, each with \`@peerport\` behind it where the peer port is not port + 10000.

Without ids, the id of a node is the rank of its address among all addresses: hosts in ascending order (IPv4 addresses by
number), then ports. Every node finds the same ids that way. A \`--node-id\` that does not fit is refused, and so is a peer
that was started with another list.
`;

/** The whole page. */
export function makeCommandLinePage(): string {
  const sections = [INTRODUCTION, "## Commands\n", ...commandSections(), SOURCES, PEERS, flagSection(), exitSection()];
  return `${sections.join("\n").trimEnd()}\n`;
}

function commandSections(): string[] {
  return Object.entries(COMMAND_TEXTS).map(([name, { usage, summary, details, lines = [] }]) => {
    const rows = lines.map(([line, exitCode]) => `| ${exitCode} | \`${line}\` |`);
    const table = rows.length === 0 ? [] : ["", "| exit code | what it prints |", "| --- | --- |", ...rows];
    const text = [summary, ...details, ...table].join("\n");
    return `### ${name}\n\n\`\`\`\n${usage}\n\`\`\`\n\n${text}\n`;
  });
}

function flagSection(): string {
  const rows = FLAGS.map((flag) => flagRow(flag));
  const head = ["| flag | environment | commands | default | |", "| --- | --- | --- | --- | --- |"];
  return ["## Flags", "", ...head, ...rows, ""].join("\n");
}

function flagRow(flag: Flag & { readonly name: FlagName }): string {
  const usage = flag.placeholder === undefined ? `--${flag.name}` : `--${flag.name} ${flag.placeholder}`;
  const environment = isSetting(flag) || flag.name === "config" ? `\`${environmentName(flag.name)}\`` : "";
  const commands = flag.commands.includes("help") ? "all" : flag.commands.join(", ");
  const range = flag.min === undefined ? "" : ` From ${flag.min} to ${flag.max}.`;
  const shown = flag.default === undefined ? flag.defaultShown ?? "" : `\`${flag.default}\``;
  return `| \`${usage}\` | ${environment} | ${commands} | ${shown} | ${flag.help}${range} |`;
}

function exitSection(): string {
  const rows = EXIT_CODE_TEXTS.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const final =
    `A node that ends with one of ${
      FINAL_EXIT_CODES.join(", ")
    } is not started again by \`kvstore cluster\`, nor by the ` +
    "service for systemd that `kvstore assets dump` writes: another start would end alike, or do harm.";
  return ["## Exit codes", "", "| code | meaning |", "| --- | --- |", ...rows, "", final, ""].join("\n");
}
