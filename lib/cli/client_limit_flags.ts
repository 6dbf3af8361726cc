/** The flags about how much clients may ask: a part of the table in flags.ts. */

import { REQUESTS_PER_SECOND } from "../access/request_rates.ts";
import type { CommandName, Flag } from "./flags.ts";

const SERVERS: readonly CommandName[] = ["cluster", "node"];

/** In the order of the help. */
export const CLIENT_LIMIT_FLAGS = [
  {
    name: "max-connections",
    kind: "integer",
    commands: SERVERS,
    placeholder: "N",
    default: "4096",
    min: 1,
    max: 1_000_000,
    help:
      "Client connections at the same time, and as many over HTTP; fewer when the system's limit of open files is lower.",
  },
  {
    name: "max-connections-before-login",
    kind: "integer",
    commands: SERVERS,
    placeholder: "N",
    min: 1,
    max: 1_000_000,
    defaultShown: "a quarter of --max-connections, 16 to 1024",
    help:
      "Of those, where clients have to log in, connections on which nobody has yet. One more closes the oldest of them.",
  },
  {
    name: "max-connections-before-login-of-address",
    kind: "integer",
    commands: SERVERS,
    placeholder: "N",
    min: 1,
    max: 1_000_000,
    defaultShown: "half of those",
    help: "The same from one address. Raise it where all clients come by way of a proxy.",
  },
  {
    name: "login-timeout-ms",
    kind: "integer",
    commands: SERVERS,
    placeholder: "MS",
    default: "60000",
    min: 100,
    max: 3_600_000,
    help: "How long a connection may be open before somebody logs in on it, where that is needed.",
  },
  {
    name: "receive-timeout-ms",
    kind: "integer",
    commands: SERVERS,
    placeholder: "MS",
    default: "30000",
    min: 100,
    max: 3_600_000,
    help: "How long a client may take over sending one request, and more for what comes at 100 KiB a second.",
  },
  {
    name: "user-requests-per-second",
    kind: "integer",
    commands: SERVERS,
    placeholder: "N",
    min: REQUESTS_PER_SECOND.least,
    max: REQUESTS_PER_SECOND.most,
    defaultShown: "any number",
    help: "Refuse what a user sends to a node beyond so many requests a second, over all connections and protocols.",
  },
  {
    name: "connection-requests-per-second",
    kind: "integer",
    commands: SERVERS,
    placeholder: "N",
    min: REQUESTS_PER_SECOND.least,
    max: REQUESTS_PER_SECOND.most,
    defaultShown: "any number",
    help: "Refuse what a connection sends beyond so many requests a second.",
  },
] as const satisfies readonly Flag[];
