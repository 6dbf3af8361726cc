import { assert, assertEquals } from "@std/assert";
import { type Cost, Meter, showMemory, showProcessorTime } from "./meter.ts";

function cost(name: string, values: Partial<Cost>): Cost {
  return { name, rssMebibytes: 0, cpuSeconds: 0, requests: undefined, ...values };
}

Deno.test("costs are shown by server, in the median, for one request where all are counted", () => {
  const counted = [
    cost("KVStore", { rssMebibytes: 100, cpuSeconds: 3, requests: 100_000 }),
    cost("Redis", { rssMebibytes: 20, cpuSeconds: 1, requests: 200_000 }),
    cost("KVStore", { rssMebibytes: 300, cpuSeconds: 1, requests: 100_000 }),
    cost("KVStore", { rssMebibytes: 200, cpuSeconds: 2, requests: 100_000 }),
  ];
  assertEquals(showMemory(counted), "KVStore 200, Redis 20 MiB");
  assertEquals(showProcessorTime(counted), "KVStore 20.0, Redis 5.0 us");
  assertEquals(showProcessorTime([...counted, cost("Redis", { cpuSeconds: 2 })]), "KVStore 2.0, Redis 1.0 s");
  assertEquals([showMemory([]), showProcessorTime([])], ["", ""]);
});

Deno.test("a meter counts what a process has used since it began, or since the process did", () => {
  const self = { name: "self", ids: [0, 1], pid: (id: number) => id === 0 ? Deno.pid : 0 };
  const life = new Meter(self, { sinceStart: true });
  const meter = new Meter(self);
  const before = meter.read().cpuSeconds;
  for (let sum = 0; meter.read().cpuSeconds < before + 0.05;) sum += Math.sqrt(sum);
  const found = meter.read(10);
  assert(found.cpuSeconds >= 0.05 && found.cpuSeconds <= life.read().cpuSeconds);
  assert(found.rssMebibytes > 10);
  assertEquals([found.name, found.requests], ["self", 10]);
});

Deno.test("a meter sees nothing of processes that do not run", () => {
  const { rssMebibytes, cpuSeconds } = new Meter({ name: "none", ids: [0], pid: () => 0 }).read();
  assertEquals({ rssMebibytes, cpuSeconds }, { rssMebibytes: 0, cpuSeconds: 0 });
});
