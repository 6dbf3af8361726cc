/** The flags of certificates, a part of the table in flags.ts. */

import { CLIENT_NAME_KINDS } from "../tls/client_names.ts";
import type { Flag } from "./flags.ts";

/** In the order of the help. */
export const TLS_FLAGS = [
  {
    name: "tls-cert",
    kind: "text",
    commands: ["node"],
    placeholder: "FILE",
    help: "Certificate for clients that speak TLS, in PEM, with those between it and the CA behind it.",
  },
  {
    name: "tls-key",
    kind: "text",
    commands: ["node"],
    placeholder: "FILE",
    help: "Its key, in PEM without a password.",
  },
  {
    name: "tls-port",
    kind: "integer",
    commands: ["node"],
    placeholder: "PORT",
    min: 1,
    max: 65_535,
    defaultShown: "none",
    help: "Port for clients with TLS, beside --port; the same as --port: clients without TLS are refused.",
  },
  {
    name: "http-tls-port",
    kind: "integer",
    commands: ["node"],
    placeholder: "PORT",
    min: 1,
    max: 65_535,
    defaultShown: "none",
    help: "Port for HTTPS, beside --http-port; the same as --http-port: HTTP without TLS is refused.",
  },
  {
    name: "tls-client-ca",
    kind: "text",
    commands: ["node"],
    placeholder: "FILE",
    defaultShown: "none, clients need no certificate",
    help: "Certificates of the CAs, one or several, whose clients are let in on the ports for TLS.",
  },
  {
    name: "tls-client-user",
    kind: "choice",
    commands: ["node"],
    placeholder: "NAME",
    defaultShown: "none, certificates log nobody in",
    choices: CLIENT_NAME_KINDS,
    help:
      "Name in a client's certificate by which it is logged in as the user of that name: cn of the subject, dns, or uri as kvstore tls client makes it.",
  },
  {
    name: "peer-tls-cert",
    kind: "text",
    commands: ["node"],
    placeholder: "FILE",
    help:
      "Certificate of this node for other nodes, in PEM, as kvstore tls init makes it: nodes speak TLS with each other.",
  },
  {
    name: "peer-tls-key",
    kind: "text",
    commands: ["node"],
    placeholder: "FILE",
    help: "Its key, in PEM without a password.",
  },
  {
    name: "peer-tls-ca",
    kind: "text",
    commands: ["node"],
    placeholder: "FILE",
    help: "Certificates of the CAs, one or several, whose nodes this one takes for its peers.",
  },
  {
    name: "peer-tls",
    kind: "choice",
    commands: ["node"],
    placeholder: "WHO",
    default: "require",
    choices: ["require", "allow"],
    help:
      "Who is a peer of a node with a certificate: who has one as well, or, while a cluster changes to TLS, also who has the secret.",
  },
  {
    name: "insecure-peers",
    kind: "switch",
    commands: ["cluster", "node"],
    help:
      "Listen on an address that other machines reach without TLS between nodes: whoever is on the way reads everything.",
  },
  {
    name: "insecure-clients",
    kind: "switch",
    commands: ["cluster", "node"],
    help:
      "Serve clients at an address that other machines reach while there are no users: whoever reaches it can do everything.",
  },
  {
    name: "days",
    kind: "integer",
    commands: ["tls"],
    placeholder: "N",
    min: 1,
    max: 36_500,
    defaultShown: "365, for a CA 3650",
    help: "How long a certificate holds; one of a node or client no longer than its CA.",
  },
] as const satisfies readonly Flag[];
