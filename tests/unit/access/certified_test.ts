/** Connections that are certified as a user, as the gate sees them. */

import { assertEquals } from "@std/assert";
import { Gate } from "../../../lib/access/gate.ts";
import type { Command } from "../../../lib/kv/commands.ts";
import type { AuditEvent } from "../../../lib/observe/audit.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { StateNode } from "../../support/state_node.ts";
import { hashOf, setUser } from "../../support/users.ts";

const HERE = "10.0.0.1";

Deno.test("a connection that is certified as a user is recorded once for each login of that user", async () => {
  const events: AuditEvent[] = [];
  const node = new StateNode();
  const gate = new Gate({
    ...{ node, clock: new VirtualClock(), dateMs: () => node.timeMs(), log: () => {}, secret: "", awaitsUsers: false },
    audit: { record: (event) => void events.push(event) },
  });
  const submit = (command: Command) =>
    new Promise((resolve) => node.submit(command, resolve, { login: node.users.find("root")?.login ?? 0 }));
  await submit(setUser("root", { hash: hashOf(1) }));
  await submit(setUser("alice", { hash: hashOf(1) }));
  const where = { address: HERE, protocol: "redis" } as const;
  const client = { name: "alice", login: undefined };
  const login = node.users.find("alice")?.login ?? 0;
  const known = { name: "alice", id: login };
  assertEquals([gate.certified(client, where), gate.certified(client, where)], [known, known]);
  const nobody = [gate.certified({ name: "nobody", login: undefined }, where), gate.certified(undefined, where)];
  assertEquals(nobody, [undefined, undefined]);
  assertEquals(events.map(({ type, user, from, command, isAllowed }) => [type, user, from, command, isAllowed]), [
    ["Login", "alice", HERE, "certificate", true],
  ]);
  await submit(setUser("alice", { hash: hashOf(2) }));
  assertEquals([gate.certified(client, where)?.id !== login, events.length], [true, 2]);
});
