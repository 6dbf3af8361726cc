/* @ts-self-types="./mod.d.ts" */
/** `@std/cli` for a build where only the npm registry is reachable: see ../README.md. */
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";
