/** Limits of requests a second, given by flags, on a real node. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import { TextClient } from "../support/text_client.ts";
import { exchange } from "./support/raw.ts";

/** So low that no machine is too slow to exceed it. */
const FLAGS = ["--connection-requests-per-second", "1"];

Deno.test("a node with a limit of requests refuses what is beyond in each protocol, counts it, and serves others", () =>
  withCluster({ nodes: 1, flags: FLAGS }, async (cluster) => {
    const { clientPort, httpPort } = cluster.node(0);
    using client = await TextClient.connect(clientPort);
    const replies = Promise.all(Array.from({ length: 9 }, () => client.expect(false)));
    client.send("PUT k v\n".repeat(9));
    const over = (await replies).map(([line = ""]) => line).filter((line) => line.startsWith("Error: Rate limit. "));
    assert(over.length > 0, "some are refused");
    assertEquals(await cluster.ask(0, "PUT k v"), "k added successfully.", "another connection is served");
    const request = (connection: string) =>
      `GET /v1/kv/k HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`;
    const answers = await exchange({ port: httpPort, bytes: request("keep-alive").repeat(8) + request("close") });
    assertMatch(answers, /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 429 [^]*Retry-After: 1\r\n[^]*"code":"rate_limited"/);
    const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    const counted = /^kvstore_server_requests_over_rate_total\{limit="connection"\} (\d+)$/m.exec(metrics)?.[1];
    assert(Number(counted) > over.length, `${counted} were counted`);
  }));
