/** Rights of users as words of the command line: `admin`, `read:PREFIX`, `write:PREFIX` and `read,write:PREFIX`. */

import { fieldsOf } from "./cluster_view.ts";
import { quoteForPeople, UsageError } from "./usage_error.ts";

/** Rights as the interface over HTTP takes them. */
export interface WrittenRights {
  readonly admin: boolean;
  readonly grants: readonly { readonly prefix: string; readonly read: boolean; readonly write: boolean }[];
}

const FORM = /^(read|write|read,write|write,read):(.*)$/s;

/** Reads words. Throws `UsageError` for one that is no right. */
export function readRights(words: readonly string[]): WrittenRights {
  const grants = words.filter((word) => word !== "admin").map((word) => {
    const [, what = "", prefix = ""] = FORM.exec(word) ?? [];
    if (what === "") {
      const forms = "admin, read:PREFIX, write:PREFIX or read,write:PREFIX";
      throw new UsageError(`${quoteForPeople(word)} is no right; use ${forms}, without a prefix for every key`);
    }
    return { prefix, read: what.includes("read"), write: what.includes("write") };
  });
  return { admin: words.includes("admin"), grants };
}

/** The words of rights that a node has told; a prefix that is no text as bytes in base64. */
export function describeRights({ admin, grants }: Readonly<Record<"admin" | "grants", unknown>>): readonly string[] {
  const words = (Array.isArray(grants) ? grants : []).map((grant) => {
    const { prefix, prefix_base64: bytes, read, write } = fieldsOf(grant);
    const what = read === true ? write === true ? "read,write" : "read" : "write";
    return `${what}:${typeof prefix === "string" ? JSON.stringify(prefix).slice(1, -1) : `(base64 ${String(bytes)})`}`;
  });
  return admin === true ? ["admin", ...words] : words;
}
