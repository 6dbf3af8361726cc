/** Rates of users and connections: what is kept of whom. */

import { assertEquals } from "@std/assert";
import { describeRate, RequestRates, TokenBucket } from "../../../lib/access/request_rates.ts";
import { LAUNCHER } from "../../../lib/access/login.ts";
import { USERS_MAX } from "../../../lib/kv/users.ts";
import { StateNode } from "../../support/state_node.ts";
import { removeUser, setUser } from "../../support/users.ts";

function submit(node: StateNode, command: Parameters<StateNode["submit"]>[0]): Promise<unknown> {
  const login = node.users.list()[0]?.login ?? 0;
  return new Promise((resolve) => node.submit(command, resolve, { login }));
}

Deno.test("a bucket holds one second, and gives as much in any second whatever the steps of its time", () => {
  for (const stepMs of [1, 7, 100, 1_000]) {
    const bucket = new TokenBucket(10, 500);
    let taken = 0;
    for (let now = 500; now < 10_500; now += stepMs) while (bucket.take(now)) taken += 1;
    // Those that it held, and ten for each second that has begun since.
    const lastMs = 10_000 - stepMs;
    assertEquals(taken, 10 + Math.floor(lastMs / 100), `steps of ${stepMs} ms`);
  }
  const bucket = new TokenBucket(2, 1_000);
  assertEquals(
    [bucket.take(900), bucket.take(1_000), bucket.take(1_000)],
    [true, true, false],
    "time does not go back",
  );
});

Deno.test("where nothing is limited nothing is counted, and the launcher never is", () => {
  const node = new StateNode();
  const none = { userRequestsPerSecond: undefined, connectionRequestsPerSecond: undefined };
  assertEquals(new RequestRates(none, node).connection(0), undefined);
  const rate = new RequestRates({ userRequestsPerSecond: 1, connectionRequestsPerSecond: 1 }, node).connection(0);
  assertEquals(Array.from({ length: 5 }, () => rate?.refusal(LAUNCHER, 0)), Array(5).fill(undefined));
  assertEquals(rate?.refusal(undefined, 0), undefined);
  const refusal = rate?.refusal(undefined, 0);
  assertEquals(refusal, { of: "connection", requestsPerSecond: 1 });
});

Deno.test("of those who are users no more nothing is kept, and of those who are everything", async () => {
  const node = new StateNode();
  await submit(node, setUser("root"));
  const root = { name: "root", id: node.users.find("root")?.login ?? 0 };
  const rates = new RequestRates({ userRequestsPerSecond: 1, connectionRequestsPerSecond: undefined }, node);
  assertEquals(rates.refusalOfUser(root, 0), undefined);
  for (let at = 1; at < 3 * USERS_MAX; at++) {
    await submit(node, setUser("alice"));
    const id = node.users.find("alice")?.login ?? 0;
    assertEquals(rates.refusalOfUser({ name: "alice", id }, 0), undefined);
    await submit(node, removeUser("alice"));
    assertEquals(rates.users <= USERS_MAX, true, `${rates.users} are kept`);
  }
  assertEquals(rates.refusalOfUser(root, 0), { of: "user", requestsPerSecond: 1 });
  assertEquals(
    describeRate({ of: "user", requestsPerSecond: 1 }),
    "a user may send a node 1 requests a second; nothing was done, try again in a moment",
  );
});
