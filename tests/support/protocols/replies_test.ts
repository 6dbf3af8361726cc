/** What replies of each protocol say about a write: only what is documented counts as not done, and all else is noticed. */

import { assertEquals } from "@std/assert";

import { httpReadReply, httpWriteReply, readHttpReply } from "./http_protocol.ts";
import { readReply, type Reply, ReplySyntaxError } from "../resp/reply.ts";
import type { ReadReply, WriteReply } from "./protocol.ts";
import { respReadReply, respWriteReply } from "./resp_protocol.ts";
import { textReadReply, textWriteReply } from "./text_protocol.ts";

/** How a reply is taken as one to a PUT, to a deletion and to a read. */
type Types = readonly [put: WriteReply["type"], deletion: WriteReply["type"], read: ReadReply["type"]];

const REFUSED: Types = ["NotDone", "NotDone", "NoAnswer"];
/** A read without an answer because of an unknown outcome makes no sense. */
const UNKNOWN: Types = ["Unknown", "Unknown", "Surprise"];
const NEVER: Types = ["Surprise", "Surprise", "Surprise"];

function textTypes(reply: string): Types {
  const types = [false, true].map((isDeletion) => textWriteReply(reply, { key: "k", isDeletion }).type);
  return [types[0] ?? "Surprise", types[1] ?? "Surprise", textReadReply(reply, "k").type];
}

function respReply(bytes: string): Reply {
  try {
    return readReply(bytes)?.reply ?? { type: "Broken", text: "incomplete" };
  } catch (error) {
    if (error instanceof ReplySyntaxError) return { type: "Broken", text: error.message };
    throw error;
  }
}

function respTypes(bytes: string): Types {
  const reply = respReply(bytes);
  return [respWriteReply(reply, false).type, respWriteReply(reply, true).type, respReadReply(reply).type];
}

function httpTypes(status: number, code?: string): Types {
  const body = code === undefined ? "" : JSON.stringify({ type: "about:blank", title: "T", status, code, detail: "d" });
  const bytes = `HTTP/1.1 ${status} T\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const reply = readHttpReply(bytes)?.reply ?? { status: 0, body: "", isLast: false };
  return [httpWriteReply(reply, false).type, httpWriteReply(reply, true).type, httpReadReply(reply).type];
}

Deno.test("replies of the text protocol: done, certainly not done, unknown, and never", () => {
  assertEquals(textTypes("k added successfully."), ["Done", "Surprise", "Surprise"]);
  assertEquals(textTypes("k deleted successfully."), ["Surprise", "Done", "Surprise"]);
  assertEquals(textTypes("Error: k does not exist."), ["Surprise", "Done", "Value"]);
  assertEquals(textTypes("value of k: v"), ["Surprise", "Surprise", "Value"]);
  for (const reason of ["No leader.", "Stopping.", "Overloaded.", "No space.", "Timeout. No majority"]) {
    assertEquals(textTypes(`Error: ${reason}`), REFUSED, reason);
  }
  assertEquals(textTypes("Error: Outcome unknown. The write may or may not take effect."), UNKNOWN);
  for (const reply of ["", "Error: Internal", "added successfully.", "Error: No leaders"]) {
    assertEquals(textTypes(reply), NEVER, reply);
  }
  const moved = textWriteReply("Error: Not leader. Current leader is Node 2 at x", { key: "k", isDeletion: false });
  assertEquals([moved.type, moved.type === "NotDone" && moved.leader], ["NotDone", 2]);
});

Deno.test("replies of Redis's protocol: done, certainly not done, unknown, and never", () => {
  assertEquals(respTypes("+OK\r\n"), ["Done", "Surprise", "Surprise"]);
  assertEquals([respTypes(":1\r\n")[1], respTypes(":0\r\n")[1]], ["Done", "Done"]);
  assertEquals(respReadReply(respReply("$3\r\na\r\n\r\n")), { type: "Value", value: "a\r\n" });
  assertEquals(respReadReply(respReply("$-1\r\n")), { type: "Value", value: null });
  for (const word of ["CLUSTERDOWN no leader", "TRYAGAIN later", "BUSY too many", "MOVED 1 x:1", "READONLY full"]) {
    assertEquals(respTypes(`-${word}\r\n`), REFUSED, word);
  }
  assertEquals(respTypes("-TIMEOUT outcome unknown\r\n"), UNKNOWN);
  for (
    const reply of [
      "-ERR max number of clients reached\r\n",
      "+QUEUED\r\n",
      "-TIMEOUT\r\n",
      ":2\r\n",
      "OK\r\n",
      "*-1\r\n",
    ]
  ) {
    assertEquals(respTypes(reply), NEVER, reply);
  }
  for (const part of ["+OK", "$3\r\nab", "$3\r\nabc\r"]) assertEquals(readReply(part), undefined, part);
});

Deno.test("replies of HTTP: done, certainly not done, unknown, and never", () => {
  assertEquals(httpTypes(201), ["Done", "Surprise", "Surprise"]);
  assertEquals(httpTypes(200), ["Done", "Done", "Value"]);
  assertEquals(httpTypes(404, "key_not_found"), ["Surprise", "Done", "Value"]);
  for (const code of ["no_leader", "no_quorum", "lagging", "stopping", "overloaded"]) {
    assertEquals(httpTypes(503, code), REFUSED, code);
  }
  assertEquals([httpTypes(507, "no_space"), httpTypes(429, "overloaded")], [REFUSED, REFUSED]);
  assertEquals(httpTypes(504, "outcome_unknown"), UNKNOWN);
  // Neither a status alone nor a code alone says it.
  for (const code of [undefined, "outcome_unknown", "no_space"]) assertEquals(httpTypes(503, code), NEVER, code);
  for (const code of [undefined, "no_leader"]) assertEquals(httpTypes(504, code), NEVER, code);
  assertEquals([httpTypes(404, "not_found"), httpTypes(500)], [NEVER, NEVER]);
  assertEquals(readHttpReply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"), undefined);
  assertEquals(readHttpReply("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?.reply.isLast, true);
});
