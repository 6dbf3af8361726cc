/** docs/text-protocol.md names every command, alias, usage and reply there is. */

import { assertStringIncludes } from "@std/assert";
import type { NotDoneReason } from "../../../../lib/node/api.ts";
import { TEXT_COMMANDS } from "../../../../lib/protocol/text/commands.ts";
import {
  HISTORY_BYTES_MAX,
  HISTORY_COMMAND_BYTES_MAX,
  HISTORY_COMMANDS_MAX,
} from "../../../../lib/protocol/text/history.ts";
import * as outcomes from "../../../../lib/protocol/text/outcomes.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX, WRITE_TIMEOUT_MS } from "../../../../lib/net/limits.ts";
import { FakeNode } from "../../../support/fake_node.ts";

const REASONS: Readonly<Record<NotDoneReason, true>> = {
  NotLeader: true,
  NoLeader: true,
  Overloaded: true,
  NoSpace: true,
  OutOfMemory: true,
  TooLarge: true,
  Stopping: true,
  Timeout: true,
  NotLoggedIn: true,
  TooOld: true,
  Quarantined: true,
};

function laggingNode(): FakeNode {
  const node = new FakeNode();
  node.entriesBehind = 1;
  node.healthNow = { stopping: false, failed: false, hasSpace: false };
  return node;
}

Deno.test("The documentation is complete", async () => {
  const text = await Deno.readTextFile(new URL("../../../../docs/text-protocol.md", import.meta.url));
  const node = new FakeNode();
  node.reachable = 1;
  const replies = [
    ...Object.keys(REASONS).map((reason) =>
      outcomes.notDone({ type: "NotDone", reason: reason as NotDoneReason, leaderId: 0 }, node)
    ),
    outcomes.notDone({ type: "NotDone", reason: "Timeout", leaderId: 0 }, laggingNode()),
    ...Object.values(outcomes).filter((value) => typeof value === "string"),
    outcomes.writeDone("key1", { type: "Invalid", revision: 1 }),
    outcomes.unknownCommand("FOO"),
    outcomes.unknownEvent("!9"),
    outcomes.usage("PUT <key> <value>", undefined),
    outcomes.notHttp(8_000),
  ];
  // Whom to start depends on the node; the page has whole lines as examples.
  for (const reply of replies) assertStringIncludes(text, `\`${reply.replace(/( need 2\.) .*/, "$1 ...")}\``);
  const advice = [
    "No other node answers. Start node 1 (",
    "or mend the network. GET <key> STALE shows what this node has.",
  ];
  for (const part of [...advice, "An election is under way: try again in a moment."]) assertStringIncludes(text, part);
  for (const { usage, aliases } of TEXT_COMMANDS) {
    assertStringIncludes(text, `\`${usage}\``);
    for (const alias of aliases) assertStringIncludes(text, `\`${alias}\``);
  }
  const limits = [
    `the last ${HISTORY_COMMANDS_MAX} commands`,
    `${HISTORY_BYTES_MAX / 1_024} KiB`,
    `${HISTORY_COMMAND_BYTES_MAX / 1_024} KiB`,
    `${REQUESTS_IN_FLIGHT_MAX} commands`,
    `${WRITE_TIMEOUT_MS / 1_000} s`,
    `${CLIENT_MEMORY_BYTES_MAX / 1_048_576} MiB`,
  ];
  for (const limit of limits) assertStringIncludes(text, limit);
});
