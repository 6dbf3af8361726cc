/**
 * Many keys, in the subject and in a redis-server beside it: filled once, by one pipelined connection, and shared by the rows in an
 * order in which none disturbs the next. Restarts come before anything overwrites a key, since Redis replays every write.
 */

import { note } from "../../support/print.ts";
import { PipeFile } from "../loads/redis_pipe.ts";
import { VALUE_BYTES } from "../options.ts";
import { failRow, type RowGroup, type RowHead, type RowResult } from "../row.ts";
import { startRedis } from "../servers/redis.ts";
import { startSubject } from "../servers/subject.ts";
import { costOfWriteRow, measureCostOfWrite } from "./cost_of_write.ts";
import { type Filled, type Measure, pipeTimeoutMs, type Scale } from "./filled.ts";
import { measureMemory, memoryRow } from "./memory.ts";
import { measurePipe, PIPE_ROW } from "./pipe.ts";
import { measureRejoin, REJOIN_ROWS } from "./rejoin.ts";
import { measureRestart, restartRow } from "./restart.ts";
import { measureTail, tailRow } from "./tail.ts";

const MANY: Scale = { suffix: "", label: "1 M", isLong: false, keys: ({ manyKeys }) => manyKeys };
const HUGE: Scale = { suffix: "-10m", label: "10 M", isLong: true, keys: ({ hugeKeys }) => hugeKeys };
type Part = readonly [rows: readonly RowHead[], measure: Measure];

/** The rows about a million keys. */
export const manyKeys: RowGroup = groupOf(MANY, {
  minutesMax: 30,
  parts: [
    [[memoryRow(MANY)], measureMemory],
    [[restartRow(MANY)], measureRestart],
    [[PIPE_ROW], measurePipe],
    [[tailRow(MANY)], measureTail],
    [REJOIN_ROWS, measureRejoin],
  ],
});

/** The rows about ten million. */
export const hugeKeys: RowGroup = groupOf(HUGE, {
  minutesMax: 60,
  parts: [
    [[memoryRow(HUGE)], measureMemory],
    [[restartRow(HUGE)], measureRestart],
    [[costOfWriteRow(HUGE)], measureCostOfWrite],
    [[tailRow(HUGE)], measureTail],
  ],
});

function groupOf(
  scale: Scale,
  { parts, minutesMax }: { readonly parts: readonly Part[]; readonly minutesMax: number },
): RowGroup {
  return {
    rows: parts.flatMap(([rows]) => rows),
    minutesMax,
    async run(options, chosen) {
      await using subject = await startSubject(options);
      await using redis = await startRedis();
      await using file = await PipeFile.make(scale.keys(options), VALUE_BYTES);
      const explain = (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        return new Error([why, ...subject.lastWords(), ...redis.lastWords()].join("; "), { cause: error });
      };
      const filled = await fillBoth({ scale, subject, redis, file }).catch((error) => Promise.reject(explain(error)));
      const results: RowResult[] = [];
      for (const [rows, measure] of parts) {
        const wanted = rows.filter(({ id }) => chosen.has(id));
        if (wanted.length === 0) continue;
        try {
          const found = await measure(options, filled);
          results.push(...found.filter(({ id }) => chosen.has(id)));
        } catch (error) {
          results.push(...wanted.map((row) => failRow(row, explain(error))));
        }
      }
      return results;
    },
  };
}

async function fillBoth(servers: Omit<Filled, "fillSeconds">): Promise<Filled> {
  const { subject, redis, file } = servers;
  const timeoutMs = pipeTimeoutMs(file);
  const fillSeconds = {
    redis: await file.send(redis.address(0), timeoutMs),
    subject: await file.send(subject.address(await subject.leader()), timeoutMs),
  };
  note(`${file.keys} keys: Redis ${fillSeconds.redis.toFixed(1)} s, the subject ${fillSeconds.subject.toFixed(1)} s`);
  return { ...servers, fillSeconds };
}
