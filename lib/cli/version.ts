/** The line that tells the version of the program and of what it runs on. */

import { VERSION } from "../observe/version.ts";

/** `kvstore 0.1.0 (deno 2.9.6, v8 15.0, linux x86_64)`. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  return `kvstore ${VERSION} (deno ${deno}, v8 ${v8}, ${Deno.build.os} ${Deno.build.arch})`;
}
