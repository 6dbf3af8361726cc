import { assertEquals } from "@std/assert";
import { classifyReply, exitCodeOf, namedLeader, type ReplyKind } from "../../../lib/cli/shell/reply.ts";
import { completions, traitsOf, VOCABULARY } from "../../../lib/cli/shell/vocabulary.ts";
import { TEXT_COMMANDS } from "../../../lib/protocol/text/commands.ts";

Deno.test("every reply has its outcome and its exit code", () => {
  const cases: [line: string, reply: string, kind: ReplyKind, exitCode: number][] = [
    ["PUT a b", "a added successfully.", "Done", 0],
    ["set a b", "a added successfully.", "Done", 0],
    ["PUT x y", "Error: No leader. added successfully.", "Done", 0],
    ["GET a", "value of a: Error: No leader.", "Done", 0],
    ["GET a", "Error: a does not exist.", "NotFound", 3],
    ["GET a", "Error: No leader. does not exist.", "NotFound", 3],
    ["DEL a", "Error: a does not exist.", "NotFound", 3],
    ["DELETE a", "a deleted successfully.", "Done", 0],
    ["PUT a b", "Error: Not leader. Current leader is Node 2", "NotLeader", 5],
    ["PUT a b", "Error: No leader. Reachable 1 of 3 nodes, need 2.", "NoLeader", 5],
    ["GET a", "Error: No leader. Reachable 1 of 3 nodes, need 2.", "NoLeader", 5],
    ["GET a", "Error: Timeout. No majority confirmed the request in time.", "NoLeader", 5],
    ["PUT a b", "Error: Stopping. This node is shutting down; use another one.", "NoLeader", 5],
    ["PUT a b", "Error: Outcome unknown. The write may or may not take effect.", "Unknown", 6],
    ["PUT a", "Error: Usage: PUT <key> <value>", "Usage", 2],
    ["FOO", "Error: Unknown command 'FOO'. Type HELP for the command reference.", "Usage", 2],
    ["PUT a b", "Error: No space left on the leader's disk.", "Failed", 1],
    ["STATUS", "Status\nNode ID: 0", "Done", 0],
    ["SNAPSHOT", "Error: Snapshot failed.", "Failed", 1],
  ];
  for (const [line, reply, kind, exitCode] of cases) {
    assertEquals(classifyReply(traitsOf(line), reply), kind, reply);
    assertEquals(exitCodeOf(kind), exitCode);
  }
});

Deno.test("the named leader is read strictly", () => {
  assertEquals(namedLeader("Error: Not leader. Current leader is Node 2"), 2);
  assertEquals(namedLeader("Error: Not leader. Current leader is Node x"), undefined);
  assertEquals(namedLeader("Error: No leader. Reachable 1 of 3 nodes, need 2."), undefined);
});

Deno.test("the first word is completed in the case it was begun in", () => {
  const cases: [begun: string, names: string[]][] = [
    ["p", ["put", "ping"]],
    ["P", ["PUT", "PING"]],
    ["lo", ["logsize", "logs"]],
    ["Sta", ["STATUS", "STATS"]],
    ["xyz", []],
  ];
  for (const [begun, names] of cases) assertEquals(completions(begun), names);
  assertEquals(completions("").length, 18);
});

Deno.test("a command whose replies differ is known by its second word", () => {
  const lines = [
    "MEMBER LIST",
    " member \t list ",
    "MEMBER",
    "MEMBER ADD h:5000",
    "MEMBER LISTS",
    "CLUSTER",
    "PUT LIST",
  ];
  assertEquals(lines.map((line) => traitsOf(line).multiLine), [true, true, false, false, false, true, false]);
});

Deno.test("the client knows the commands that the server knows", () => {
  const words = (commands: readonly { name: string; aliases: readonly string[] }[]) =>
    commands.map(({ name, aliases }) => [name, ...aliases].join(" ")).sort();
  assertEquals(words(VOCABULARY), words(TEXT_COMMANDS));
});
