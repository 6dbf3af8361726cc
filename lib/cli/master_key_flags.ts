/** Flags of the master key, by which data directories are encrypted. */

import type { CommandName, Flag } from "./flags.ts";

/** Commands that read or make encrypted files. */
const KEYED: readonly CommandName[] = ["cluster", "node", "inspect", "recover", "backup", "verify", "restore", "rekey"];

/** How the key is given; at most one of them. */
export const MASTER_KEY_FLAGS = [
  {
    name: "master-key",
    kind: "text",
    commands: KEYED,
    placeholder: "KEY",
    secret: true,
    help:
      "Key that wraps the keys of encrypted directories, 64 hexadecimal digits or base64; a second one behind it is " +
      "accepted too; by environment or configuration file only.",
  },
  {
    name: "master-key-file",
    kind: "text",
    commands: KEYED,
    placeholder: "FILE",
    help:
      "File with that key (openssl rand -hex 32): what is written to the data directory, or the backup, is encrypted.",
  },
  {
    name: "master-key-command",
    kind: "text",
    commands: KEYED,
    placeholder: "COMMAND",
    help: "Program that prints that key, with its arguments behind blanks; it is run without a shell, at each start.",
  },
] as const satisfies readonly Flag[];
