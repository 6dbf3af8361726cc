/** Planted bugs in what a follower's question for a read index counts for (ADR 14). */

import { type Mutation, slip } from "./mutation.ts";

const READ_INDEX = "lib/raft/read_index.ts";

/** In the order of their numbers. */
export const QUESTION_SLIPS: readonly Mutation[] = [
  slip("M310", "A question of an older term counts as an answer to the leader of this one", {
    file: "lib/raft/receive.ts",
    find: "      refuseReadIndex(core, message);\n",
    replace: "      if (isLeading(core)) core.roleState.progress.get(message.from)?.heard(core.roleState.round);\n" +
      "      refuseReadIndex(core, message);\n",
  }),
  slip("M311", "A learner's question counts as if a voter had asked", {
    file: READ_INDEX,
    find: "(id) => id === core.id || id === asker ? round",
    replace: "(id) => id === core.id || id === asker || (progress.get(asker)?.isVoter === false &&\n" +
      "        id === core.log.configuration.voters.find((voter) => voter !== core.id)) ? round",
  }),
  slip("M312", "A question counts for every read that waits, also for those that began after it was sent", {
    file: READ_INDEX,
    find: 'if (mayTake && !fault("raft/readIndexRefused")) takeRead(core, reader);\n',
    replace: 'if (mayTake && !fault("raft/readIndexRefused")) {\n    takeRead(core, reader);\n' +
      "    core.roleState.progress.get(from)?.heard(core.roleState.round);\n  }\n",
  }),
];
