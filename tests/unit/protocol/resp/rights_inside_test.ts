/** Every call by every role within something else: a MULTI, a TXN, a command of a session. What is refused alone is refused there. */

import { assertEquals, assertGreater } from "@std/assert";
import { CALLS } from "../../../../lib/kv/calls.ts";
import { NO_RIGHTS } from "../../../../lib/kv/rights.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { QuickGate } from "../../../support/quick_gate.ts";
import { NEEDS, ROLES, suffices } from "../../../support/rights_table.ts";
import { StateNode } from "../../../support/state_node.ts";
import { setUser } from "../../../support/users.ts";
import { RespClient, respContext } from "./session_support.ts";

const PASSWORD = "correct-horse";
const INSIDE_ROLES: readonly string[] = ["none", "reader", "writer", "both"];

/** The requests, the last of which tells what may be done. */
const WAYS: Readonly<Record<string, (call: string, count: number) => readonly string[]>> = {
  "in a MULTI": (call) => ["MULTI", call, "EXEC"],
  "in a MULTI behind another": (call) => ["MULTI", "PING", call, "EXEC"],
  "then in a TXN": (call) => [`TXN 0 1 ${call.split(" ").length} ${call} 0`],
  "otherwise in a TXN": (call) => [`TXN 0 0 1 ${call.split(" ").length} ${call}`],
  "in a session": (call, count) => [`ONCE 1 ${count} ${call}`],
  "in a TXN of a session": (call, count) => [`ONCE 1 ${count} TXN 0 1 ${call.split(" ").length} ${call} 0`],
};

async function clientsOfRoles(clock: VirtualClock): Promise<Readonly<Record<string, RespClient>>> {
  const node = new StateNode();
  const context = respContext({ node, clock, gate: new QuickGate(node, { clock, password: PASSWORD }) });
  await new Promise((resolve) => node.submit(setUser("root"), resolve));
  const clients: Record<string, RespClient> = {};
  for (const [name, granted] of Object.entries(ROLES)) {
    const command = setUser(name, { change: { revoked: NO_RIGHTS, granted } });
    await new Promise((resolve) => node.submit(command, resolve, { login: node.users.find("root")?.login ?? 0 }));
    const client = new RespClient(context);
    assertEquals(await client.ask(`AUTH ${name} ${PASSWORD}`), "+OK\r\n");
    clients[name] = client;
  }
  return clients;
}

Deno.test("every call in a MULTI, a TXN and a session is done for who may do it alone, and for nobody else", async () => {
  let refused = 0;
  for (const [way, requestsOf] of Object.entries(WAYS)) {
    const clock = new VirtualClock();
    const clients = await clientsOfRoles(clock);
    let count = 0;
    for (const name of CALLS.keys()) {
      for (const [form, needs] of NEEDS[name] ?? []) {
        for (const [role, client] of Object.entries(clients)) {
          for (const [isInside, call] of [[true, form], [false, form.replaceAll("p:", "q:")]] as const) {
            count += 1;
            const replies = (await client.ask(...requestsOf(call, count))).split("\r\n").slice(0, -1);
            const isIn = isInside || !INSIDE_ROLES.includes(role);
            const may = needs === "" || (isIn && suffices(role, needs));
            const isRefused = replies.some((reply) => reply.startsWith("-NOPERM "));
            assertEquals(isRefused, !may, `${role}: ${call} ${way}: ${replies}`);
            if (isRefused) refused += 1;
            // A turn takes so many requests.
            await clock.advance(0);
          }
        }
      }
    }
    assertGreater(count, 500, way);
  }
  assertGreater(refused, 1_000);
});
