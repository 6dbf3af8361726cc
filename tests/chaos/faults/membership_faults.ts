/** A node that loses its directory, and is admitted again under its old id as an empty one. */

import type { Random } from "../../../lib/base/random.ts";
import type { SeenConfiguration } from "../log_book.ts";
import { waitFor } from "../../support/wait.ts";
import type { Fault, Running, Stage } from "./fault.ts";

const DOWN_MS = { least: 50, most: 1_000 } as const;
/** The other faults end meanwhile, and with them whatever keeps the others from deciding. */
const ADMISSION_TIMEOUT_MS = 45_000;
const LOOK_EVERY_MS = 100;

/** Faults of this kind. */
export const MEMBERSHIP_FAULTS: readonly Fault[] = [{ name: "wipe", begin: wipe }];

/** One at a time: until a node is a voter again, its copy of the data is not there, and another one must not go. */
async function wipe(stage: Stage, random: Random): Promise<Running | undefined> {
  const { fleet, book, busyDisks, busyProcesses } = stage;
  const free = fleet.ids.filter((id) => !busyDisks.has(id) && !busyProcesses.has(id));
  if (free.length === 0 || fleet.rejoining.size > 0) return undefined;
  const id = random.pick(free);
  busyDisks.add(id);
  busyProcesses.add(id);
  await fleet.end(id, "SIGKILL");
  await Deno.remove(fleet.cluster.node(id).directory, { recursive: true });
  fleet.rejoining.add(id);
  const before = book.configurations.length;
  let isBack = false;
  return {
    detail: `node ${id}`,
    lastsMs: random.between(DOWN_MS.least, DOWN_MS.most),
    end: async () => {
      await fleet.restart(id);
      try {
        await waitFor(() => isAdmitted(book.configurations.slice(before), id) || undefined, {
          what: `node ${id}, whose directory was emptied, is admitted again`,
          timeoutMs: ADMISSION_TIMEOUT_MS,
          everyMs: LOOK_EVERY_MS,
        });
        isBack = true;
        fleet.rejoining.delete(id);
      } catch (error) {
        fleet.problems.push(String(error));
      }
      busyDisks.delete(id);
      busyProcesses.delete(id);
    },
    effect: () => isBack ? "felt" : "not-felt",
  };
}

/** First a learner, then a voter in a configuration that is no transition. */
function isAdmitted(configurations: readonly SeenConfiguration[], id: number): boolean {
  const sorted = configurations.toSorted((left, right) => left.index - right.index);
  const learner = sorted.findIndex(({ learners }) => learners.includes(id));
  if (learner < 0) return false;
  return sorted.slice(learner).some(({ voters, votersOld, learners }) => {
    return voters.includes(id) && votersOld.length === 0 && !learners.includes(id);
  });
}
