/** HTTP against generated and mutated bytes: requests are found alike in every split, within bounds, and replies stay whole. */

import type { Random } from "../../lib/base/random.ts";
import { framingOf } from "../../lib/http/server/headers.ts";
import { HEADER_BYTES_MAX, REQUEST_LINE_BYTES_MAX } from "../../lib/http/server/limits.ts";
import { replyHead } from "../../lib/http/server/reply_head.ts";
import { AssertionFailure } from "../../lib/base/assert.ts";
import { readPieces } from "../unit/http/server/reading.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate, numberText } from "./mutators.ts";
import { waysToSplit } from "./splits.ts";
import { assertLinear } from "./timing.ts";

const BODY_BYTES_MAX = 2_000;
/** What one piece of input may cost beside its bytes: the first size of the buffer of a body. */
const PIECE_BYTES = 4_096;
const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "CONNECT", "get", "PRI", ""];
const TARGETS = [
  "/",
  "/v1/kv/a%20b?ttl=1s",
  "*",
  "http://h:80/a?b",
  "http://h",
  "//x",
  "/%",
  "/a?b?c",
  "h:80",
  "/\xff",
];
const VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.9", "http/1.1", ""];
const HEADERS = [
  ...["Host: h", "Host: h", "Connection: close", "Connection: keep-alive, x", "Expect: 100-continue", "Expect: x"],
  ...["Transfer-Encoding: gzip", "Transfer-Encoding: chunked, chunked", "X: \xe4 \t", "X-Request-Id: a", " folded"],
  ...["__proto__: x", "A:", ":", "A : b", "Content-Length: 3, 3", "Content-Length: 3, 4"],
];

function anyRequest(random: Random): string {
  const end = random.chance(0.97) ? "\r\n" : random.pick(["\n", "\r", "\r\n\r\n"]);
  const well = random.chance(0.7);
  const method = well ? random.pick(METHODS.slice(0, 5)) : random.pick(METHODS);
  const target = well ? "/v1/kv/a" : random.pick(TARGETS);
  const version = well ? "HTTP/1.1" : random.pick(VERSIONS);
  const lines = [`${method} ${target} ${version}`, "Host: h"];
  for (let count = random.below(3); count > 0; count--) {
    const line = random.chance(0.1) ? `X: ${anyBytes(random, 30)}` : random.pick(HEADERS);
    if (!well || line.startsWith("X")) lines.push(line);
  }
  const [framing, body] = anyBody(random);
  return [...lines, ...framing, "", ""].join(end) + body;
}

function anyBody(random: Random): readonly [headers: readonly string[], body: string] {
  const body = anyBytes(random, 60);
  switch (random.below(4)) {
    case 0:
      return [[`Content-Length: ${body.length}`], body];
    case 1:
      return [["Transfer-Encoding: chunked"], chunked(body, random)];
    case 2:
      return random.chance(0.2) ? [[`Content-Length: ${numberText(random)}`], body] : [[], ""];
    default:
      return [[], ""];
  }
}

function chunked(body: string, random: Random): string {
  let text = "";
  for (let at = 0; at < body.length;) {
    const piece = body.slice(at, at + random.between(1, 20));
    at += piece.length;
    text += `${piece.length.toString(16)}${random.pick(["", "", ";a=b", " ;c"])}\r\n${piece}\r\n`;
  }
  return `${text}${random.pick(["0", "000", "0;x"])}\r\n${random.pick(["", "", "A: b\r\n"])}\r\n`;
}

function anyInput(random: Random): string {
  let input = "";
  for (let count = random.between(1, 3); count > 0; count--) input += anyRequest(random);
  return random.chance(0.5) ? input : mutate(input, random);
}

fuzz("requests of HTTP", {
  make: anyInput,
  check: (input, random) => {
    const whole = readPieces([input], BODY_BYTES_MAX);
    for (const pieces of waysToSplit(input, random)) {
      const cut = readPieces(pieces, BODY_BYTES_MAX);
      requireSame(cut.events, whole.events, "The events of another split");
      const most = input.length + PIECE_BYTES;
      require(cut.heldBytesMax <= most, `${cut.heldBytesMax} bytes are held of ${input.length}`);
    }
    const last = whole.events.at(-1);
    if (last === undefined) return "nothing yet";
    if (last.startsWith("Refused")) return `refused ${last.split(" ")[1]}`;
    return last.startsWith("Body") ? "whole" : "head";
  },
  outcomes: ["nothing yet", "whole", "head", "refused 400", "refused 413", "refused 417", "refused 501", "refused 505"],
});

fuzz("requests of HTTP built well", {
  make: (random) => Array.from({ length: random.between(1, 4) }, () => anyBytes(random, 200)),
  check: (bodies, random) => {
    const requests = bodies.map((body) => {
      const coded = random.chance(0.5);
      const framing = coded ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
      return `PUT / HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n${coded ? chunked(body, random) : body}`;
    });
    for (const pieces of waysToSplit(requests.join(""), random)) {
      const found = readPieces(pieces, BODY_BYTES_MAX).events.filter((event) => event.startsWith("Body "));
      requireSame(found, bodies.map((body) => `Body ${body}`), "The bodies");
    }
    return "whole";
  },
  outcomes: ["whole"],
});

fuzz("framing of HTTP", {
  make: (random) => {
    const length = random.chance(0.3) ? undefined : random.chance(0.5) ? anyBytes(random, 8) : numberText(random);
    return {
      length,
      coding: random.chance(0.3) ? random.pick(["chunked", "Chunked", "gzip", anyBytes(random, 8)]) : undefined,
    };
  },
  check: ({ length, coding }) => {
    const headers = new Map<string, string>();
    if (length !== undefined) headers.set("content-length", length);
    if (coding !== undefined) headers.set("transfer-encoding", coding);
    const framed = framingOf(headers, 1);
    if (framed.type === "Refused") return "refused";
    const { framing } = framed;
    require(framing.type !== "Chunked" || length === undefined, "A length beside a coding");
    require(framing.type !== "Length" || /^[\t ,0-9]+$/.test(length ?? ""), "A length that is no number");
    return framing.type;
  },
  outcomes: ["refused", "None", "Length", "Chunked"],
});

fuzz("heads of HTTP replies", {
  make: (random) => [mutate("X-Name", random), mutate("a value", random)] as const,
  check: ([name, value]) => {
    const shape = { minorVersion: 1, id: "id", staysOpen: true, date: "now" } as const;
    try {
      const head = replyHead({ status: 200, headers: [[name, value]], body: "" }, shape);
      requireSame(head.split(/[\r\n\0]+/).length, 6, "Lines of the head");
      return "sent";
    } catch (error) {
      if (!(error instanceof AssertionFailure)) throw error;
      return "refused";
    }
  },
  outcomes: ["sent", "refused"],
});

Deno.test("requests of HTTP are read in linear time, byte by byte too", () => {
  const head = "PUT / HTTP/1.1\r\nHost: h\r\n";
  const cases: Record<string, (size: number) => string> = {
    "a long target": (size) => `GET /${"a".repeat(size)} HTTP/1.1\r\n`,
    "a line without an end": (size) => "a".repeat(size),
    "a header of blanks": (size) => `${head}A: ${" ".repeat(size)}b\r\n\r\n`,
    "many short headers": (size) => `${head}${"A:\r\n".repeat(size / 64)}\r\n`,
    "many lengths": (size) => `${head}Content-Length: ${"1,".repeat(size / 2)}1\r\n\r\n`,
    "many chunks": (size) => `${head}Transfer-Encoding: chunked\r\n\r\n${"1\r\na\r\n".repeat(size / 8)}`,
    "many requests": (size) => `${head}\r\n`.repeat(size / 16),
  };
  for (const [what, make] of Object.entries(cases)) {
    const size = Math.min(4_096, HEADER_BYTES_MAX / 16, REQUEST_LINE_BYTES_MAX / 16);
    assertLinear(`${what}, whole`, { size, make, run: (input) => readPieces([input], 1_000_000) });
    assertLinear(`${what}, byte by byte`, {
      size,
      make: (length) => [...make(length)],
      run: (p) => readPieces(p, 1_000_000),
    });
  }
});
