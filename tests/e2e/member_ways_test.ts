/** KV.MEMBER, MEMBER and HTTP, each sent to a follower: what is done, and every refusal in the same words. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ADDRESS_FORM } from "../../lib/node/membership/member_addresses.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { Connection } from "../support/resp/connection.ts";
import { askBlockOnce, askOnce } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";

/** The words of a change, as RESP and the text protocol have them, to what one node answers. */
type Way = (words: string) => Promise<string>;

/** The three ways in of one node. */
function waysOf(cluster: ProcessCluster, via: number): Readonly<Record<"resp" | "text" | "http", Way>> {
  const { clientPort, httpPort } = cluster.node(via);
  return {
    resp: async (words) => {
      using connection = await Connection.open(`127.0.0.1:${clientPort}`);
      const reply = await connection.ask(["KV.MEMBER", ...words.split(" ")]);
      if (reply.type === "Array") return `${reply.items.length} members`;
      return reply.type === "Integer" ? String(reply.value) : "text" in reply ? reply.text : reply.type;
    },
    text: (words) => askOnce(clientPort, `MEMBER ${words}`),
    http: async (words) => {
      const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/cluster/members${pathOf(words)}`, requestOf(words));
      const { id, detail } = await reply.json();
      return reply.ok ? String(id) : String(detail);
    },
  };
}

function pathOf(words: string): string {
  const [name = "", id = ""] = words.split(" ");
  return name === "ADD" ? "" : name === "REMOVE" ? `/${id}` : `/${id}/${name.toLowerCase()}`;
}

function requestOf(words: string): RequestInit {
  const [name, where = ""] = words.split(" ");
  if (name !== "ADD") return { method: name === "REMOVE" ? "DELETE" : "POST" };
  const [, id, client = "", peer] = /^(?:(\d+)=)?([^@]*)(?:@(\d+))?$/.exec(where) ?? [];
  const body = {
    ...(id === undefined ? {} : { id: Number(id) }),
    "client_address": client,
    "peer_address": client.replace(/\d+$/, String(peer)),
  };
  return { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

/** The answer once nothing that passes by is in the way of it. */
async function settled(way: Way, words: string): Promise<string> {
  return await waitFor(async () => {
    const answer = await way(words);
    return answer.includes("not settled yet") ? undefined : answer;
  }, { what: `${words} is answered` });
}

async function leveled(cluster: ProcessCluster): Promise<number> {
  const leader = await cluster.waitForLeader();
  await waitFor(async () => (await cluster.block(leader, "CLUSTER")).includes("Level: 8") || undefined, {
    what: "the level rises",
  });
  return leader;
}

Deno.test("members come, are drained and go by way of a follower, in each protocol", () =>
  withCluster({}, async (cluster) => {
    const leader = await leveled(cluster);
    const [via = -1, other = -1] = cluster.others(leader);
    for (const [at, [protocol, way]] of Object.entries(waysOf(cluster, via)).entries()) {
      const id = 3 + at;
      const [port, peerPort] = findFreePorts(2);
      const added = await settled(way, `ADD 127.0.0.1:${port}@${peerPort}`);
      assertEquals(added, protocol === "text" ? `Member ${id} is added as a learner.` : String(id));
      const list = (await askBlockOnce(cluster.node(via).clientPort, "MEMBER LIST")).join("\n");
      assertStringIncludes(list, `Node ${id}: 127.0.0.1:${port}`);
      for (
        const [words, text] of [
          [`DRAIN ${other}`, `Member ${other} is drained.`],
          [`UNDRAIN ${other}`, `Member ${other} is drained no more.`],
          [`REMOVE ${id}`, `Member ${id} is removed for good.`],
          // What holds already is done.
          [`REMOVE ${id}`, `Member ${id} is removed for good.`],
        ] as const
      ) {
        const done = { resp: "OK", text, http: words.split(" ")[1] };
        assertEquals(await settled(way, words), done[protocol as keyof typeof done], `${protocol}: ${words}`);
      }
    }
    assertEquals(await cluster.waitForLeader(), leader);
  }));

Deno.test("a follower refuses in each protocol what the leader refuses, for the same reason", () =>
  withCluster({}, async (cluster) => {
    const leader = await leveled(cluster);
    const [via = -1] = cluster.others(leader);
    const ways = waysOf(cluster, via);
    const [port, peerPort, free] = findFreePorts(3);
    const there = `127.0.0.1:${port}@${peerPort}`;
    assertEquals(await settled(ways.resp, `ADD ${there}`), "3");
    assertEquals(await settled(ways.resp, "REMOVE 3"), "OK");
    assertEquals(await settled(ways.resp, `ADD ${there}`), "4");
    const taken = `127.0.0.1:${cluster.node(leader).clientPort}`;
    const never =
      "Nothing was begun: server 3 was removed, and its id is never used again: add a new one without an id";
    const absent = "There is no such member";
    const refusals: readonly (readonly [words: string, reason: string])[] = [
      ...["REMOVE 9", "PROMOTE 9", "DRAIN 9", "UNDRAIN 9"].map((words) => [words, absent] as const),
      ...["PROMOTE 3", "DRAIN 3", "UNDRAIN 3", `ADD 3=127.0.0.1:${free}@${peerPort}`].map((words) =>
        [words, never] as const
      ),
      [
        "PROMOTE 4",
        "Nothing was begun: server 4 has not been heard: start it, or see why it cannot be reached",
      ],
      [
        `ADD ${leader}=127.0.0.1:${free}@${port}`,
        `Nothing was begun: the id ${leader} is that of the member at ${taken}: leave the id out, or give another`,
      ],
      [
        `ADD ${taken}@${free}`,
        `Nothing was begun: ${taken} is an address of member ${leader}: give the new server its own`,
      ],
    ];
    for (const [words, reason] of refusals) {
      const isAbsent = reason === absent;
      assertEquals(await settled(ways.http, words), reason, words);
      assertEquals(await settled(ways.resp, words), `${isAbsent ? "NOMEMBER" : "UNSAFE"} ${reason}`, words);
      const text = `Error: ${isAbsent ? `Not a member. ${reason}.` : `Unsafe. ${reason}`}`;
      assertEquals(await settled(ways.text, words), text, words);
    }
    for (
      const words of ["REMOVE x", "PROMOTE 2147483648", "DRAIN -1", "UNDRAIN", "ADD", "ADD h", "ADD h:70000", "DROP 1"]
    ) {
      const { resp, text, http } = ways;
      assert((await resp(words)).startsWith("ERR "), words);
      assert((await text(words)).startsWith("Error: Usage: MEMBER LIST, ADD <address>, "), words);
      const misfit = words.startsWith("ADD") ? ADDRESS_FORM : undefined;
      const answer = await http(words);
      assert(misfit === undefined ? answer !== "" && answer !== "undefined" : answer === misfit, `${words}: ${answer}`);
    }
    for (const words of ["REMOVE 1 2", "ADD h:5000 h:5001", "LIST 1"]) {
      assert((await ways.resp(words)).startsWith("ERR "), words);
      assert((await ways.text(words)).startsWith("Error: Usage: MEMBER "), words);
    }
    assertEquals(await ways.resp("LIST"), "4 members");
  }));
