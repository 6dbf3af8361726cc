/** What a follower is asked for, and passes on where only the leader can do it, is done for whoever may, and for nobody else. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { suffices } from "../support/rights_table.ts";
import { waitFor } from "../support/wait.ts";
import { ALL_ROUTES } from "../unit/http/support/ask.ts";
import { RIGHTS_ROWS, type RightsRow, ROLE_WORDS } from "../unit/http/support/rights_rows.ts";

const PASSWORD = "correct-horse";
const FORBIDDEN = 403;
/** An administrator could do all of it, and the members would be others then. */
const ROLES = Object.keys(ROLE_WORDS).filter((role) => role !== "admin");

interface Wanted {
  readonly port: number;
  readonly name: string;
  readonly line: string;
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The code of a problem, which HEAD tells by the status alone; "" for another reply, a stream too. */
async function codeOf({ port, name, line, body, headers = {} }: Wanted): Promise<string> {
  const [method = "", target = ""] = line.split(" ");
  const reply = await fetch(`http://127.0.0.1:${port}${target}`, {
    method,
    headers: { ...headers, authorization: `Basic ${btoa(`${name}:${PASSWORD}`)}` },
    body: body ?? null,
    redirect: "manual",
  });
  const isProblem = reply.headers.get("content-type")?.startsWith("application/problem") === true;
  if (isProblem && method !== "HEAD") return (await reply.json()).code;
  await reply.body?.cancel();
  return method === "HEAD" && reply.status === FORBIDDEN ? "forbidden" : "";
}

async function addRoles(cluster: ProcessCluster, leader: number): Promise<void> {
  const port = cluster.node(leader).httpPort;
  const put = async (name: string, more: Readonly<Record<string, unknown>>) => {
    const body = JSON.stringify({ password: PASSWORD, ...more });
    // Until all members are known to understand users none is taken.
    await waitFor(async () => {
      const code = await codeOf({ port, name: "root", line: `PUT /v1/users/${name}`, body });
      return code === "" || undefined;
    }, { what: `${name} is made` });
  };
  await put("root", {});
  for (const role of ROLES) {
    const grant = { prefix: "p:", read: role !== "writer", write: role !== "reader" };
    await put(role, { grants: role === "none" ? [] : [grant] });
  }
}

function mayAsk(role: string, [, needs]: RightsRow, isInside: boolean): boolean {
  if (needs === "s") return role === "writer" || role === "both";
  return needs === "" || (needs !== "A" && isInside && suffices(role, needs));
}

Deno.test("every operation that a follower is asked for answers what the role may", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    await addRoles(cluster, leader);
    const [follower = -1] = cluster.others(leader);
    const port = cluster.node(follower).httpPort;
    for (const role of ROLES) {
      const isKnown = async () => await codeOf({ port, name: role, line: "GET /v1/cluster" }) === "" || undefined;
      await waitFor(isKnown, { what: `the follower knows ${role}` });
    }
    let refused = 0;
    for (const { id } of ALL_ROUTES) {
      const rows = RIGHTS_ROWS[id];
      assert(rows !== undefined, `${id} has no row: say who may ask for it`);
      for (const [line, needs, extras] of rows) {
        for (const role of ROLES) {
          for (const isInside of [true, false]) {
            const outside = (text: string) => isInside ? text : text.replaceAll("p:", "q:");
            const body = extras?.body === undefined ? undefined : outside(extras.body);
            const code = await codeOf({ port, name: role, line: outside(line), body, headers: extras?.headers });
            const may = mayAsk(role, [line, needs, extras ?? {}], isInside);
            assertEquals(code === "forbidden", !may, `${role}: ${outside(line)} ${body ?? ""}: ${code}`);
            if (code === "forbidden") refused += 1;
          }
        }
      }
    }
    assertGreater(refused, 100);
  }));
