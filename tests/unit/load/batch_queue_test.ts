import { assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { BatchQueue } from "../../../lib/load/batch_queue.ts";

Deno.test("batches come out as they went in, whatever the order of pushing and taking", () => {
  const random = new Random(3);
  const queue = new BatchQueue();
  const model: { time: number; count: number }[] = [];
  for (let step = 0; step < 20_000; step++) {
    const [first] = model;
    // Long runs of either kind, so that the ring both grows and goes round.
    if (first === undefined || random.chance(Math.floor(step / 500) % 2 === 0 ? 0.7 : 0.3)) {
      const batch = { time: step, count: random.between(1, 20) };
      model.push({ ...batch });
      queue.push(batch.time, batch.count);
    } else {
      const count = random.between(1, first.count);
      queue.take(count);
      first.count -= count;
      if (first.count === 0) model.shift();
    }
    assertEquals(queue.isEmpty, model.length === 0);
    assertEquals(queue.firstCount, model[0]?.count ?? 0);
    if (model[0] !== undefined) assertEquals(queue.firstTime, model[0].time);
  }
  assertEquals(queue.requests, model.reduce((sum, { count }) => sum + count, 0));
});
