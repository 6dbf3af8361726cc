/** Every call as a part of a transaction over HTTP, by every role: what is refused alone is refused there, whichever branch it stands in. */

import { assertEquals, assertGreater } from "@std/assert";
import { CALLS } from "../../../lib/kv/calls.ts";
import { hashPassword } from "../../../lib/access/passwords.ts";
import { NO_RIGHTS } from "../../../lib/kv/rights.ts";
import { NEEDS, ROLES, suffices } from "../../support/rights_table.ts";
import { StateNode } from "../../support/state_node.ts";
import { setUser } from "../../support/users.ts";
import { ask, serviceOf } from "./support/ask.ts";

const PASSWORD = "correct horse: battery";
const HASH = await hashPassword(PASSWORD);
const INSIDE_ROLES: readonly string[] = ["none", "reader", "writer", "both"];

Deno.test("every call in either branch of a transaction is done for who may do it alone, and for nobody else", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  await new Promise((resolve) => node.submit(setUser("root", { hash: HASH }), resolve));
  for (const [name, granted] of Object.entries(ROLES)) {
    const command = setUser(name, { hash: HASH, change: { revoked: NO_RIGHTS, granted } });
    await new Promise((resolve) => node.submit(command, resolve, { login: node.users.find("root")?.login ?? 0 }));
  }
  const refused = new Set<string>();
  for (const name of CALLS.keys()) {
    for (const [form, needs] of NEEDS[name] ?? []) {
      for (const role of Object.keys(ROLES)) {
        for (const [isInside, call] of [[true, form], [false, form.replaceAll("p:", "q:")]] as const) {
          for (const branch of ["then", "else"]) {
            const body = JSON.stringify({ [branch]: [{ command: call.split(" ") }] });
            const headers = { authorization: `Basic ${btoa(`${role}:${PASSWORD}`)}` };
            const { code } = await ask(service, "POST /v1/txn", { body, headers });
            const isIn = isInside || !INSIDE_ROLES.includes(role);
            const may = needs === "" || (isIn && suffices(role, needs));
            assertEquals(code === "forbidden", !may, `${role}: ${branch} ${call}: ${code}`);
            if (!may) refused.add(name);
          }
        }
      }
    }
  }
  assertGreater(refused.size, 30);
});
