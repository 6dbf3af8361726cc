/** The flags of commands that talk to a running cluster, or change one. */

import type { CommandName, Flag } from "./flags.ts";

/** Commands that administer a running cluster, take all of it, or fill it. */
export const ADMINISTRATORS: readonly CommandName[] = [
  ...["leader", "member", "rolling-restart", "user"] as const,
  ...["backup", "export", "import", "restore", "undo"] as const,
];

/** In the order of the help. */
export const CLIENT_FLAGS = [
  {
    name: "connect",
    kind: "text",
    commands: ["cli", "bench", ...ADMINISTRATORS],
    placeholder: "LIST",
    default: "127.0.0.1:5000,127.0.0.1:5001,127.0.0.1:5002",
    help: "Nodes: host:port or ports, with commas between. bench shares its connections out, others try them in turn.",
  },
  {
    name: "timeout-ms",
    kind: "integer",
    commands: ["cli", ...ADMINISTRATORS],
    placeholder: "MS",
    default: "5000",
    min: 1,
    max: 3_600_000,
    help: "How long to look for a node and a leader.",
  },
  {
    name: "json",
    kind: "switch",
    commands: ["bench", "disk", "recover", "verify", "tls", "version", ...ADMINISTRATORS],
    help: "Print one JSON object instead of text.",
  },
  {
    name: "node-timeout-ms",
    kind: "integer",
    commands: ["rolling-restart"],
    placeholder: "MS",
    default: "60000",
    min: 1_000,
    max: 86_400_000,
    help: "How long each node may take to stop, to start, and to catch up.",
  },
  {
    name: "wait-ms",
    kind: "integer",
    commands: ["member"],
    placeholder: "MS",
    default: "600000",
    min: 1,
    max: 86_400_000,
    help: "How long to wait until a new server has joined and caught up, or a moved one is heard.",
  },
  {
    name: "yes",
    kind: "switch",
    commands: ["member", "rolling-restart", "recover", "restore", "undo", "tls", "cluster"],
    help: "Do what would be asked about; needed where no terminal is there to ask on.",
  },
] as const satisfies readonly Flag[];
