/** The flags about users: a part of the table in flags.ts. */

import { ADMINISTRATORS } from "./client_flags.ts";
import type { CommandName, Flag } from "./flags.ts";

/** Commands that may have to log in. */
const VISITORS: readonly CommandName[] = ["cli", "bench", ...ADMINISTRATORS];

/** In the order of the help. */
export const USER_FLAGS = [
  {
    name: "bootstrap-user",
    kind: "text",
    commands: ["node", "cluster"],
    placeholder: "NAME:PASSWORD",
    secret: true,
    help: "First user of a cluster that has none; by environment or configuration file only.",
  },
  {
    name: "bootstrap-user-file",
    kind: "text",
    commands: ["node", "cluster"],
    placeholder: "FILE",
    help: "File with name:password of the first user of a cluster that has none. Until there is one nobody comes in.",
  },
  {
    name: "audit-log",
    kind: "text",
    commands: ["node", "cluster"],
    placeholder: "FILE",
    defaultShown: "none",
    help:
      "Record logins, what administers, and refusals in this file, JSON lines; each node of a local cluster adds -<id>.",
  },
  {
    name: "audit-log-bytes",
    kind: "size",
    commands: ["node", "cluster"],
    placeholder: "SIZE",
    default: "64MiB",
    min: 65_536,
    max: 68_719_476_736,
    help: "Begin another file of the audit log after so many bytes; the full one becomes FILE.1.",
  },
  {
    name: "audit-log-files",
    kind: "integer",
    commands: ["node", "cluster"],
    placeholder: "N",
    default: "10",
    min: 1,
    max: 1_000,
    help: "Keep so many full files of the audit log.",
  },
  {
    name: "user",
    kind: "text",
    commands: VISITORS,
    placeholder: "NAME",
    help: "User to log in as, where the cluster has users.",
  },
  {
    name: "password",
    kind: "text",
    commands: VISITORS,
    placeholder: "PASSWORD",
    secret: true,
    help: "Password of that user; by environment or configuration file only.",
  },
  {
    name: "password-file",
    kind: "text",
    commands: VISITORS,
    placeholder: "FILE",
    defaultShown: "asked for on a terminal",
    help: "File with the password of that user.",
  },
  {
    name: "token",
    kind: "text",
    commands: VISITORS,
    placeholder: "TOKEN",
    secret: true,
    help: "Token to come in with instead of user and password; by environment or configuration file only.",
  },
  {
    name: "token-file",
    kind: "text",
    commands: VISITORS,
    placeholder: "FILE",
    defaultShown: "none",
    help: "File with a token to come in with, as kvstore user token add makes one.",
  },
  {
    name: "expires",
    kind: "text",
    commands: ["user"],
    placeholder: "TIME",
    default: "90d",
    help: "How long a token lives that token add makes: a number with s, m, h or d, at most 3650d, or never.",
  },
  {
    name: "new-password",
    kind: "text",
    commands: ["user"],
    placeholder: "PASSWORD",
    secret: true,
    help: "Password that the user gets; by environment or configuration file only.",
  },
  {
    name: "new-password-file",
    kind: "text",
    commands: ["user"],
    placeholder: "FILE",
    defaultShown: "asked for on a terminal",
    help: "File with the password that the user gets.",
  },
] as const satisfies readonly Flag[];
