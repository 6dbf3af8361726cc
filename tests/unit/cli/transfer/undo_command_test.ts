/** `kvstore undo` over a connection that breaks: one line, and nothing is written. */

import { assertEquals, assertRejects } from "@std/assert";
import { EXIT, Failure } from "../../../../lib/cli/failures.ts";
import { runUndoCommand } from "../../../../lib/cli/transfer/undo_command.ts";
import { FakeNodePorts } from "../fake_node_ports.ts";
import { fakeSurroundings, settingsOf } from "../support.ts";

Deno.test("a page that is cut ends an undo in one line, and nothing is written", async () => {
  const items = [{ key: "app:1", mod_revision: 9, before: { value: "old", expires_at: null } }];
  await using node = new FakeNodePorts(({ line }) => {
    const isFirst = !line.includes("after=");
    return { status: 200, json: { items, more: isFirst }, ...(isFirst ? {} : { cutAt: 20 }) };
  });
  const settings = settingsOf("undo", "--prefix", "app:", "--to", "5", "--yes", "--connect", node.clientAddress);
  const undo = () => runUndoCommand({ settings, surroundings: fakeSurroundings(), operands: [] });
  const failure = await assertRejects(undo, Failure);
  assertEquals(
    [failure.message, failure.exitCode],
    [`The connection to ${node.httpAddress} broke; nothing was changed`, EXIT.failure],
  );
  assertEquals(node.asked.map((line) => line.split("?")[0]), ["GET /v1/history", "GET /v1/history"]);
});
