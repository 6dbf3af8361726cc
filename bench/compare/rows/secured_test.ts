import { assertEquals, assertMatch } from "@std/assert";
import { judgeSecured, SECURED_ROWS, type SecuredSample } from "./secured.ts";

function sample(perSecond: number, microsPerRequest: number): SecuredSample {
  const requests = 10_000;
  return {
    perSecond,
    cost: { name: "KVStore", rssMebibytes: 1, cpuSeconds: requests * microsPerRequest / 1_000_000, requests },
  };
}

Deno.test("what TLS and users cost is the processor time for a request against the run that followed, and not how fast it was", () => {
  const [row] = SECURED_ROWS;
  if (row === undefined) throw new Error("no row");
  const plain = [sample(1_000, 50), sample(2_000, 100), sample(1_000, 50)];
  const secret = [sample(900, 70), sample(1_000, 140), sample(500, 80)];
  const judged = judgeSecured(row, { secret, plain });
  assertEquals([judged.verdict, judged.measured, judged.bar], ["PASS", "1.40 (1.40 to 1.60)", "at most 1.50"]);
  assertMatch(judged.notes.join("\n"), /80\.0 us \(70\.0 to 140\.0\), without 50\.0 us \(50\.0 to 100\.0\)/);
  assertMatch(judged.notes.join("\n"), /Throughput: 0\.50 \(0\.50 to 0\.90\) of that without/);
  assertEquals(judgeSecured(row, { secret: [sample(2_000, 76)], plain: [sample(1_000, 50)] }).verdict, "FAIL");
  assertEquals(judgeSecured(row, { secret: [], plain: [] }).verdict, "FAIL");
});

Deno.test("there is a row for each load, with TLS and with users alone", () => {
  assertEquals(SECURED_ROWS.map(({ id }) => id), [
    ...["tls-set-50", "tls-get-50", "tls-set-p16", "tls-get-p16"],
    ...["users-set-50", "users-get-50", "users-set-p16", "users-get-p16"],
  ]);
});
