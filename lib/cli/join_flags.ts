/** The flags by which a node joins a cluster, and says where it is. */

import type { Flag } from "./flags.ts";

/** A part of the table of all flags. */
export const JOIN_FLAGS = [
  {
    name: "join",
    kind: "text",
    commands: ["node"],
    placeholder: "LIST",
    help: "Join a cluster that runs: host:port of one or more of its nodes, with commas between.",
  },
  {
    name: "learner",
    kind: "switch",
    commands: ["node"],
    help: "With --join: get all data, but do not become a voter when it has been caught up.",
  },
  {
    name: "advertise-client",
    kind: "text",
    commands: ["node"],
    placeholder: "HOST:PORT",
    defaultShown: "--host and the port",
    help: "Where clients reach this node, as it tells others.",
  },
  {
    name: "advertise-peer",
    kind: "text",
    commands: ["node"],
    placeholder: "HOST:PORT",
    defaultShown: "--host and the peer port",
    help: "Where other nodes reach this node, as it tells others.",
  },
  {
    name: "advertise-http",
    kind: "text",
    commands: ["node"],
    placeholder: "HOST:PORT",
    defaultShown: "--host and the HTTP port",
    help: "Where HTTP clients reach this node, as it tells others.",
  },
] as const satisfies readonly Flag[];
