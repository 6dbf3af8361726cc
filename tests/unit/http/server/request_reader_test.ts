/** Every rule of reading requests: what is understood, what is refused and how, and the bounds. */

import { assert, assertEquals, assertLess } from "@std/assert";
import {
  CHUNK_LINE_BYTES_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  REQUEST_LINE_BYTES_MAX,
} from "../../../../lib/http/server/limits.ts";
import { everyBoundary } from "../../../fuzz/splits.ts";
import { readPieces } from "./reading.ts";

const HOST = "Host: h\r\n";
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

function get(headers: string): string {
  return `GET / HTTP/1.1\r\n${HOST}${headers}\r\n`;
}

function post(headers: string, body: string): string {
  return `POST / HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
}

function outcomeOf(input: string): string {
  return readPieces([input]).events.join(" | ");
}

const UNDERSTOOD: readonly (readonly [input: string, events: string])[] = [
  [get(""), "Head GET / ? 1.1 None open [host=h] | Body "],
  ["GET /a%20b?x=1?y HTTP/1.1\r\nHost: h\r\n\r\n", "Head GET /a%20b ?x=1?y 1.1 None open [host=h] | Body "],
  ["GET /\xc3\xa4? HTTP/1.1\r\nHost: h\r\n\r\n", "Head GET /\xc3\xa4 ? 1.1 None open [host=h] | Body "],
  ["GET HTTP://a.b:80/c?d HTTP/1.1\r\nHost: h\r\n\r\n", "Head GET /c ?d 1.1 None open [host=a.b:80] | Body "],
  ["GET http://a HTTP/1.1\r\nHost: h\r\n\r\n", "Head GET / ? 1.1 None open [host=a] | Body "],
  ["GET / HTTP/1.0\r\n\r\n", "Head GET / ? 1.0 None close [] | Body "],
  ["GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "Head GET / ? 1.0 None open [connection=Keep-Alive] | Body "],
  ["GET / HTTP/1.7\r\nHost: h\r\n\r\n", "Head GET / ? 1.1 None open [host=h] | Body "],
  [`\r\n${get("")}`, "Head GET / ? 1.1 None open [host=h] | Body "],
  [get("Connection: x , Close\r\n"), "Head GET / ? 1.1 None close [host=h; connection=x , Close] | Body "],
  [get("A:1\r\na: \t2\t \r\nB:\r\n"), "Head GET / ? 1.1 None open [host=h; a=1, 2; b=] | Body "],
  [get("__proto__: 1\r\n"), "Head GET / ? 1.1 None open [host=h; __proto__=1] | Body "],
  [post("Content-Length: 3\r\n", "abc"), "Head POST / ? 1.1 Length 3 open [host=h; content-length=3] | Body abc"],
  [
    post("Content-Length: 3, 3\r\n", "\0\r\n"),
    "Head POST / ? 1.1 Length 3 open [host=h; content-length=3, 3] | Body \0\r\n",
  ],
  [post("Content-Length: 0\r\n", ""), "Head POST / ? 1.1 None open [host=h; content-length=0] | Body "],
  [
    post("Expect: 100-Continue\r\nContent-Length: 1\r\n", "a"),
    "Head POST / ? 1.1 Length 1 open expects [host=h; expect=100-Continue; content-length=1] | Body a",
  ],
  [get("Expect: 100-continue\r\n"), "Head GET / ? 1.1 None open [host=h; expect=100-continue] | Body "],
  [
    `${CHUNKED}3\r\nabc\r\n00A ; x="y"\r\n0123456789\r\n0;z\r\nTrailer: x\r\n\r\n`,
    "Head POST / ? 1.1 Chunked open [host=h; transfer-encoding=chunked] | Body abc0123456789",
  ],
  [`${CHUNKED}0\r\n\r\n`, "Head POST / ? 1.1 Chunked open [host=h; transfer-encoding=chunked] | Body "],
  [
    `${post("Content-Length: 1\r\n", "a")}${get("")}`,
    "Head POST / ? 1.1 Length 1 open [host=h; content-length=1] | Body a | Head GET / ? 1.1 None open [host=h] | Body ",
  ],
];

for (const [input, events] of UNDERSTOOD) {
  Deno.test(`${JSON.stringify(input)} is understood`, () => assertEquals(outcomeOf(input), events));
}

const REFUSED: readonly (readonly [why: string, input: string, status: string])[] = [
  ["a line feed alone", "GET / HTTP/1.1\nHost: h\n\n", "400 bad_request"],
  ["a line feed alone behind a header", "GET / HTTP/1.1\r\nHost: h\n", "400 bad_request"],
  ["a carriage return alone", get("A: b\rC: d\r\n"), "400 bad_request"],
  ["two empty lines before the request", `\r\n\r\n${get("")}`, "400 bad_request"],
  ["two blanks", "GET  / HTTP/1.1\r\n", "400 bad_request"],
  ["a blank at the end", "GET / HTTP/1.1 \r\n", "400 bad_request"],
  ["no version", "GET /\r\n", "400 bad_request"],
  ["a version of two digits", "GET / HTTP/1.10\r\n", "400 bad_request"],
  ["HTTP/2", "PRI * HTTP/2.0\r\n", "505 version_not_supported"],
  ["HTTP/0.9 by name", "GET / HTTP/0.9\r\n", "505 version_not_supported"],
  ["a method in small letters", "get / HTTP/1.1\r\n", "400 bad_request"],
  ["the asterisk form", "OPTIONS * HTTP/1.1\r\n", "400 bad_request"],
  ["the authority form", "CONNECT h:80 HTTP/1.1\r\n", "400 bad_request"],
  ["a relative target", "GET a HTTP/1.1\r\n", "400 bad_request"],
  ["a fragment", "GET /#a HTTP/1.1\r\n", "400 bad_request"],
  ["a control character in the target", "GET /\x01 HTTP/1.1\r\n", "400 bad_request"],
  ["a user in the target", "GET http://u@h/ HTTP/1.1\r\n", "400 bad_request"],
  ["a target without a host", "GET http:///a HTTP/1.1\r\n", "400 bad_request"],
  ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", "400 bad_request"],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", "400 bad_request"],
  ["two Hosts", get("Host: h\r\n"), "400 bad_request"],
  ["a folded header", get("A: b\r\n c\r\n"), "400 bad_request"],
  ["a blank before the colon", get("A : b\r\n"), "400 bad_request"],
  ["a header without a name", get(": b\r\n"), "400 bad_request"],
  ["a header without a colon", get("A\r\n"), "400 bad_request"],
  ["a zero byte in a header", get("A: b\0\r\n"), "400 bad_request"],
  ["two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), "400 bad_request"],
  ["a length and another form of it", post("Content-Length: 1, 01\r\n", "ab"), "400 bad_request"],
  ["a length with a sign", post("Content-Length: +1\r\n", "a"), "400 bad_request"],
  ["a negative length", post("Content-Length: -1\r\n", "a"), "400 bad_request"],
  ["an empty length", post("Content-Length:\r\n", "a"), "400 bad_request"],
  ["length and coding", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400 bad_request"],
  ["a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 bad_request"],
  ["another coding", post("Transfer-Encoding: gzip, chunked\r\n", ""), "501 not_implemented"],
  ["the coding identity", post("Transfer-Encoding: identity\r\n", ""), "501 not_implemented"],
  ["another expectation", get("Expect: tea\r\n"), "417 expectation_failed"],
  ["too many headers", get("A: b\r\n".repeat(HEADERS_MAX)), "431 headers_too_large"],
  ["one long header", get(`A: ${"b".repeat(HEADER_BYTES_MAX)}\r\n`), "431 headers_too_large"],
  ["a long header without an end", `GET / HTTP/1.1\r\nA: ${"b".repeat(HEADER_BYTES_MAX)}`, "431 headers_too_large"],
  ["a long target", `GET /${"a".repeat(REQUEST_LINE_BYTES_MAX)} HTTP/1.1\r\n`, "414 uri_too_long"],
  ["a long line without an end", "a".repeat(REQUEST_LINE_BYTES_MAX + 2), "414 uri_too_long"],
];

for (const [why, input, refusal] of REFUSED) {
  Deno.test(`${why} is refused with ${refusal}`, () => assertEquals(outcomeOf(input), `Refused ${refusal}`));
}

const BODIES_REFUSED: readonly (readonly [why: string, input: string, status: string])[] = [
  ["a length over the limit", post("Content-Length: 101\r\n", ""), "413 too_large"],
  ["a length beyond every number", post("Content-Length: 99999999999999999999\r\n", ""), "413 too_large"],
  ["a chunk over the limit", `${CHUNKED}65\r\n`, "413 too_large"],
  ["the chunk that makes the body too long", `${CHUNKED}64\r\n${"a".repeat(100)}\r\n1\r\n`, "413 too_large"],
  ["a chunk size that is no number", `${CHUNKED}x\r\n`, "400 bad_request"],
  ["an empty chunk size", `${CHUNKED}\r\n`, "400 bad_request"],
  ["a chunk size with a blank before", `${CHUNKED} 1\r\n`, "400 bad_request"],
  ["a chunk size with 0x", `${CHUNKED}0x1\r\n`, "400 bad_request"],
  ["a control character in an extension", `${CHUNKED}1;a\r;\r\n`, "400 bad_request"],
  ["a chunk line that ends in a line feed alone", `${CHUNKED}1\n`, "400 bad_request"],
  ["a chunk longer than its size", `${CHUNKED}1\r\nab\r\n`, "400 bad_request"],
  ["a long extension", `${CHUNKED}1;${"a".repeat(CHUNK_LINE_BYTES_MAX)}\r\n`, "400 bad_request"],
  ["long trailers", `${CHUNKED}0\r\n${`A: ${"b".repeat(1_000)}\r\n`.repeat(40)}`, "431 headers_too_large"],
];

for (const [why, input, refusal] of BODIES_REFUSED) {
  Deno.test(`${why} is refused with ${refusal}`, () => {
    assertEquals(outcomeOf(input).split(" | ").slice(1), [`Refused ${refusal}`]);
  });
}

Deno.test("what is found does not depend on where the input was cut", () => {
  const inputs = [...UNDERSTOOD.map(([input]) => input), ...[...REFUSED, ...BODIES_REFUSED].map(([, input]) => input)];
  for (const input of inputs.filter(({ length }) => length < 1_000)) {
    const whole = readPieces([input]).events;
    for (const pieces of [...everyBoundary(input), [...input]]) {
      assertEquals(readPieces(pieces).events, whole, JSON.stringify(pieces));
    }
  }
});

Deno.test("nothing is found behind a refusal", () => {
  assertEquals(readPieces(["GET\r\n", get(""), get("")]).events, ["Refused 400 bad_request"]);
});

Deno.test("a request is begun by its first byte and no more when it is whole", () => {
  const { reader } = readPieces([]);
  assertEquals(reader.begun, false);
  for (const [input, begun] of [["\r", true], ["\r\n", true], [get(""), false], [`${get("")}G`, true]] as const) {
    assertEquals(readPieces([input]).reader.begun, begun, JSON.stringify(input));
  }
});

Deno.test("memory grows with what has arrived and not with what was announced", () => {
  const announced = readPieces([post("Content-Length: 8000000\r\n", "abc")], 8_000_000);
  assertLess(announced.heldBytesMax, 8_000);
  assertEquals(announced.reader.bodyBytes, 3);
  const chunks = `1;${"x".repeat(200)}\r\na\r\n`.repeat(10_000);
  const chunked = readPieces([CHUNKED, ...chunks.match(/.{1,4000}/gs) ?? []], 8_000_000);
  assertEquals(chunked.reader.bodyBytes, 10_000);
  assertLess(chunked.heldBytesMax, 40_000);
});

Deno.test("a long body arrives whole, however it was cut", () => {
  const body = Array.from({ length: 300_000 }, (_, at) => String.fromCharCode(at * 7 & 255)).join("");
  const pieces = body.match(/[^]{1,1000}/g) ?? [];
  for (const way of [[body], pieces]) {
    const { events } = readPieces([post("Content-Length: 300000\r\n", ""), ...way], 300_000);
    assert(events.at(-1) === `Body ${body}`);
  }
});
