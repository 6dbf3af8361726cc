/** How many requests of one connection may be under way, by the number of connections. */

import { assertEquals } from "@std/assert";
import { requestsInFlightMax } from "../../../../lib/protocol/conversation/conversation.ts";
import {
  REQUESTS_IN_FLIGHT_MAX,
  REQUESTS_IN_FLIGHT_MIN,
  REQUESTS_IN_FLIGHT_SHARED,
} from "../../../../lib/net/limits.ts";
import { PENDING_READS_MAX, PENDING_WRITES_MAX } from "../../../../lib/node/limits.ts";

Deno.test("few connections have the most, many their share of it, and a great many the least", () => {
  const few = REQUESTS_IN_FLIGHT_SHARED / REQUESTS_IN_FLIGHT_MAX;
  const many = REQUESTS_IN_FLIGHT_SHARED / REQUESTS_IN_FLIGHT_MIN;
  for (const connections of [1, 2, few]) assertEquals(requestsInFlightMax(connections), REQUESTS_IN_FLIGHT_MAX);
  for (const connections of [many, many + 1, 4_096]) {
    assertEquals(requestsInFlightMax(connections), REQUESTS_IN_FLIGHT_MIN);
  }
  for (let connections = few; connections <= many; connections++) {
    const all = requestsInFlightMax(connections) * connections;
    assertEquals([all <= REQUESTS_IN_FLIGHT_SHARED, all > REQUESTS_IN_FLIGHT_SHARED - connections], [true, true]);
  }
});

Deno.test("what connections may have beyond the least is no reason for a node to refuse anything", () => {
  assertEquals(REQUESTS_IN_FLIGHT_SHARED < Math.min(PENDING_WRITES_MAX, PENDING_READS_MAX) / 2, true);
});
