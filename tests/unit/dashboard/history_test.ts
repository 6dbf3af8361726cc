/** The points of the charts: history outlives a change of node, and what is not known is a hole. */

import { assert, assertEquals } from "@std/assert";
import { ChartHistory, lonely, SECONDS_SHOWN } from "../../../lib/dashboard/assets/history.js";

Deno.test("dashboard charts: a change of node keeps what was, and no line leads over it", () => {
  const history = new ChartHistory(2);
  for (const seconds of [1, 2, 3]) history.add(seconds, [seconds * 10, seconds * 100]);
  history.add(4, [7, null], true);
  assertEquals(history.data, [[1, 2, 3, 3.5, 4], [10, 20, 30, null, 7], [100, 200, 300, null, null]]);
});

Deno.test("dashboard charts: seconds without a frame are a hole, seconds in time are not", () => {
  const history = new ChartHistory(1);
  for (const seconds of [1, 3, 10]) history.add(seconds, [seconds]);
  assertEquals(history.data, [[1, 3, 6.5, 10], [1, 3, null, 10]]);
});

Deno.test("dashboard charts: what is older than they show is let go", () => {
  const history = new ChartHistory(1);
  for (let seconds = 0; seconds < 10 * SECONDS_SHOWN; seconds++) history.add(seconds, [seconds]);
  const [times = []] = history.data;
  assertEquals([times[0], times.at(-1)], [9 * SECONDS_SHOWN - 1, 10 * SECONDS_SHOWN - 1]);
  assert(times.length === SECONDS_SHOWN + 1);
});

Deno.test("dashboard charts: a value between two holes is shown as a dot", () => {
  assertEquals(lonely([1, null, 3, null, 5, 6, null, 8]), [0, 2, 7]);
  assertEquals(lonely([null, 1, 2]), []);
  assertEquals(lonely([0]), [0]);
});
