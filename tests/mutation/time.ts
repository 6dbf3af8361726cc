/** Planted bugs of the cluster's time: a key that a read took for expired comes back, or goes too early. */

import type { Mutation } from "./mutation.ts";

const CLUSTER_TIME = "lib/node/clock/cluster_time.ts";

/** In the order of their numbers. */
export const TIME_SLIPS: readonly Mutation[] = [
  {
    id: "M25",
    what: "A new leader begins at the last stamp of its log, before times that readers of the old one were told",
    patches: [{
      file: CLUSTER_TIME,
      find: "if (stampMs > 0) clock.learn(stampMs + READ_AHEAD_MS_MAX);",
      replace: "if (stampMs > 0) clock.learn(stampMs + 0 * READ_AHEAD_MS_MAX);",
    }],
  },
  {
    id: "M26",
    what: "Readers are told the time although a write with an earlier stamp is under way",
    patches: [{
      file: "lib/node/clock/open_stamps.ts",
      find: "Math.min(now, open.stampMs)",
      replace: "Math.max(now, open.stampMs)",
    }],
  },
  {
    id: "M27",
    what: "A time that a leader told a read is used for entries of the next leader",
    patches: [{
      file: "lib/node/reads/pending_reads.ts",
      find: "if (confirmed.term < term) this.#again",
      replace: "if (confirmed.term + 1_000_000 < term) this.#again",
    }],
  },
  {
    id: "M28",
    what: "Reads believe a leader's time however far it lies behind the last stamp of the log",
    patches: [{
      file: "lib/kv/state_machine.ts",
      find: "Math.max(timeMs + READ_AHEAD_MS_MAX, nextDeadline - 1)",
      replace: "Math.max(this.#toldMs, nextDeadline - 1)",
    }],
  },
  {
    id: "M29",
    what: "A read judges deadlines by the date of its own machine",
    patches: [
      {
        file: CLUSTER_TIME,
        find: "    clock.learn(state.timeMs);\n",
        replace: "    clock.learn(state.timeMs);\n    state.learnTime(this.#parts.dates.own());\n",
      },
      {
        file: "lib/kv/state_machine.ts",
        find: "Math.max(timeMs + READ_AHEAD_MS_MAX, nextDeadline - 1)",
        replace: "Math.max(this.#toldMs, nextDeadline - 1)",
      },
    ],
  },
  {
    id: "M30",
    what: "The time of a leader is set on by the date of its machine",
    patches: [{
      file: CLUSTER_TIME,
      find: "if (this.#parts.monotonic.now() < this.#resumesUntil) clock.resume(date);",
      replace: "clock.resume(dates.own());",
    }],
  },
  {
    id: "M31",
    what: "Of the dates of two voters the later one is believed",
    patches: [{
      file: "lib/node/clock/machine_dates.ts",
      find: "dates[(dates.length - 1) >> 1]",
      replace: "dates[dates.length >> 1]",
    }],
  },
];
