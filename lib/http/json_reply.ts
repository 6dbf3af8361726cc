/** Short replies in JSON about the cluster, which nobody keeps. */

import { textToByteString } from "../base/bytes.ts";
import type { HttpReply } from "./http.ts";

/** Media type of JSON. */
export const JSON_TYPE = "application/json";

/** The reply 200 with that value. */
export function jsonReply(value: Readonly<Record<string, unknown>>): HttpReply {
  const headers = [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]] as const;
  return { status: 200, headers, body: `${textToByteString(JSON.stringify(value))}\n` };
}
