/** gzip for replies that are text, where the client takes it: pages of keys, the dashboard, metrics. Values stay as they are. */

import { gzipSync } from "node:zlib";
import { bytesToString, stringToBytes } from "../base/bytes.ts";
import type { HttpReply, HttpRequest } from "./http.ts";

/** A shorter body gains nothing. */
export const GZIP_BYTES_MIN = 1_024;
/** A longer body would stop the event loop for more than about 10 ms. */
export const GZIP_BYTES_MAX = 1_048_576;

/** The first level: three times the speed of the usual one, for a tenth of its gain. */
const LEVEL = 1;
const TEXT_TYPE = /^(text\/(?!event-stream)|application\/(json|problem\+json|javascript)|image\/svg\+xml)/;

/** The same reply, compressed if it is worth it and the client takes it. */
export function compress(reply: HttpReply, { method, headers }: Pick<HttpRequest, "method" | "headers">): HttpReply {
  const { body } = reply;
  if (typeof body !== "string" || body.length < GZIP_BYTES_MIN || body.length > GZIP_BYTES_MAX) return reply;
  const type = reply.headers.find(([name]) => name === "Content-Type")?.[1] ?? "";
  if (!TEXT_TYPE.test(type)) return reply;
  const varied = [...reply.headers.filter(([name]) => name !== "Vary"), ["Vary", varyOf(reply)]] as const;
  // HEAD describes the reply that GET would give, and nobody needs its length.
  if (method === "HEAD" || !takesGzip(headers.get("accept-encoding"))) return { ...reply, headers: varied };
  const compressed = gzipSync(stringToBytes(body), { level: LEVEL });
  return {
    ...reply,
    headers: [...varied.map(weakened), ["Content-Encoding", "gzip"]],
    body: bytesToString(new Uint8Array(compressed.buffer, compressed.byteOffset, compressed.length)),
  };
}

/** Whether gzip, or everything, is named without a weight of 0. */
function takesGzip(accepted = ""): boolean {
  const weights = new Map(
    accepted.toLowerCase().split(",").map((coding) => {
      const [name = "", ...parameters] = coding.split(";").map((part) => part.trim());
      const isRefused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
      return [name, !isRefused] as const;
    }),
  );
  return weights.get("gzip") ?? weights.get("*") ?? false;
}

function varyOf({ headers }: HttpReply): string {
  return [...headers.filter(([name]) => name === "Vary").map(([, value]) => value), "Accept-Encoding"].join(", ");
}

/** RFC 9110, 8.8.1: the bytes differ from those of the tag, what they mean does not. */
function weakened([name, value]: readonly [string, string]): readonly [string, string] {
  return name === "ETag" && !value.startsWith("W/") ? [name, `W/${value}`] : [name, value];
}
