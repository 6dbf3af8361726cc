/** The flags of `kvstore tls` alone, a part of the table in flags.ts. */

import type { Flag } from "./flags.ts";

/** In the order of the help. */
export const TLS_FLAGS = [
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
