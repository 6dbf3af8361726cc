/** The version of the program. */

import configuration from "../../deno.json" with { type: "json" };

/** The version of the program, as deno.json says. */
export const VERSION: string = configuration.version;
