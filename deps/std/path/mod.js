/* @ts-self-types="./mod.d.ts" */
/** `@std/path` for a build where only the npm registry is reachable: see ../README.md. */
export { basename, dirname, fromFileUrl, join, resolve } from "npm:deno-std@1.4.0/path/mod.js";
