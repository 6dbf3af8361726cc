/** The flags by which commands speak TLS with the cluster that they talk to: a part of the table in flags.ts. */

import { ADMINISTRATORS } from "./client_flags.ts";
import type { CommandName, Flag } from "./flags.ts";

const CLIENTS: readonly CommandName[] = ["cli", "bench", ...ADMINISTRATORS];

/** In the order of the help. */
export const CLIENT_TLS_FLAGS = [
  {
    name: "tls",
    kind: "switch",
    commands: ["cluster", ...CLIENTS],
    help: "Speak TLS with the nodes, whose certificates one of the system's CAs has signed. " +
      "A local cluster makes a CA and certificates of its own, and speaks nothing else with clients.",
  },
  {
    name: "tls-ca",
    kind: "text",
    commands: ["node", ...CLIENTS],
    placeholder: "FILE",
    help:
      "Speak TLS with the nodes, and trust the CA in this file (PEM), and no other. A node passes requests on to its leader so.",
  },
  {
    name: "tls-server-name",
    kind: "text",
    commands: CLIENTS,
    placeholder: "NAME",
    defaultShown: "the host of --connect",
    help: "A name or an address that the certificates of the nodes have.",
  },
  {
    name: "tls-client-cert",
    kind: "text",
    commands: CLIENTS,
    placeholder: "FILE",
    defaultShown: "none",
    help: "Certificate to show to nodes with --tls-client-ca, in PEM, as kvstore tls client makes one.",
  },
  {
    name: "tls-client-key",
    kind: "text",
    commands: CLIENTS,
    placeholder: "FILE",
    help: "Its key, in PEM without a password.",
  },
] as const satisfies readonly Flag[];
