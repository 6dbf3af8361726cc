/** Replies in pieces of one write. */

import { assert, assertEquals } from "@std/assert";
import { LONG_PIECE_BYTES, PIECE_BYTES_MAX } from "../../../lib/net/limits.ts";
import { OutputQueue } from "../../../lib/net/output_queue.ts";

function drain(queue: OutputQueue): string[] {
  const pieces: string[] = [];
  for (let piece = queue.take(); piece !== undefined; piece = queue.take()) pieces.push(piece);
  return pieces;
}

Deno.test("Short replies share a piece, in order", () => {
  const queue = new OutputQueue();
  for (const reply of ["a\n", "b\n", "", "c\n"]) queue.add(reply);
  assertEquals(drain(queue), ["a\nb\nc\n"]);
  assertEquals(drain(queue), []);
});

Deno.test("A piece is bounded, but for a reply that alone is longer", () => {
  const queue = new OutputQueue();
  const long = "x".repeat(PIECE_BYTES_MAX * 3);
  const replies = ["a\n", long, "b\n", ..."y".repeat(PIECE_BYTES_MAX + 5).split("")];
  for (const reply of replies) queue.add(reply);
  const pieces = drain(queue);
  assertEquals(pieces.join(""), replies.join(""));
  assertEquals(pieces[1], long);
  assert(pieces.every((piece) => piece === long || piece.length <= PIECE_BYTES_MAX));
});

Deno.test("A long reply leaves in pieces, each made when it is taken, before what is behind it", () => {
  const queue = new OutputQueue();
  const long = Array.from({ length: LONG_PIECE_BYTES * 2.5 }, (_, at) => String.fromCharCode(at % 251)).join("");
  const replies = ["a\n", long, "b\n", long, long.slice(0, LONG_PIECE_BYTES), "c\n"];
  for (const reply of replies) queue.add(reply);
  const pieces = drain(queue);
  assert(pieces.every((piece) => piece.length > 0 && piece.length <= LONG_PIECE_BYTES), "too long");
  assert(pieces.join("") === replies.join(""), "not what was sent");
  assertEquals(pieces.length, 10);
  queue.add(long);
  assertEquals(queue.take()?.length, LONG_PIECE_BYTES);
  queue.clear();
  queue.add("d\n");
  assertEquals(drain(queue), ["d\n"]);
});

Deno.test("What was dropped does not come back", () => {
  const queue = new OutputQueue();
  queue.add("a");
  queue.add("x".repeat(PIECE_BYTES_MAX));
  queue.clear();
  assertEquals(drain(queue), []);
});
