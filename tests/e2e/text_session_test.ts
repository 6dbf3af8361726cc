import { assertEquals, assertMatch } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { exchange } from "./support/raw.ts";

const SCRIPT = 'PUT key1 value1\nGET key1\nPUT key2 "value with spaces"\nGET key2\nDELETE key1\nGET key1\nEXIT\n';

const REPLIES = [
  "key1 added successfully.",
  "value of key1: value1",
  "key2 added successfully.",
  "value of key2: value with spaces",
  "key1 deleted successfully.",
  "Error: key1 does not exist.",
  "Goodbye.",
  "",
];

Deno.test("a session piped through nc: exact replies on the leader, refusal and linearizable reads on followers", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [follower = -1] = cluster.others(leader);
    const ports = { leader: cluster.node(leader).clientPort, follower: cluster.node(follower).clientPort };

    for (const halfClose of [true, false]) {
      const replies = await exchange({ port: ports.leader, bytes: SCRIPT, halfClose });
      assertEquals(replies.split("\n"), REPLIES, `halfClose: ${halfClose}`);
    }
    // The same without EXIT: the end of the input ends the session after the last reply.
    const script = SCRIPT.replace("EXIT\n", "");
    const withoutExit = await exchange({ port: ports.leader, bytes: script, halfClose: true });
    assertEquals(withoutExit.split("\n"), [...REPLIES.slice(0, -2), ""]);
    const withCarriageReturns = await exchange({ port: ports.leader, bytes: SCRIPT.replaceAll("\n", "\r\n") });
    assertEquals(withCarriageReturns.split(/\r?\n/), REPLIES);

    const onFollower = await exchange({
      port: ports.follower,
      bytes: "PUT key3 value3\nGET key2\nDELETE key2\nEXIT\n",
    });
    assertEquals(onFollower.split("\n"), [
      `Error: Not leader. Current leader is Node ${leader}`,
      "value of key2: value with spaces",
      `Error: Not leader. Current leader is Node ${leader}`,
      "Goodbye.",
      "",
    ]);
  }));

Deno.test("a single node of a cluster of one serves, and keeps what it was given over restarts", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    assertEquals(await cluster.ask(0, "PUT alone yes"), "alone added successfully.");
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await cluster.kill(0, signal);
      await cluster.restart(0);
      await cluster.waitForLeader();
      const reply = await waitFor(() => cluster.ask(0, "GET alone"), { what: "GET answers" });
      assertEquals(reply, "value of alone: yes", signal);
    }
    assertMatch((await cluster.block(0, "LOGS 1000")).join("\n"), /alone/);
  }));
