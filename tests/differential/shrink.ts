/** Makes a failing sequence shorter, as long as it still fails at the same kind of command. */

import type { Difference } from "./execute.ts";
import { nameOf } from "./known.ts";
import type { Sequence } from "./sequence.ts";

const ATTEMPTS_MAX = 200;

/** Runs a sequence alone. */
export type Rerun = (sequence: Sequence) => Promise<Difference | undefined>;

/** The difference of the shortest sequence that was found; undefined when the sequence alone shows none. */
export async function shrink(found: Difference, rerun: Rerun): Promise<Difference | undefined> {
  let best = await rerun(found.sequence);
  if (best === undefined) return undefined;
  let attempts = ATTEMPTS_MAX;
  const wanted = nameOf(best.step.command);
  const accept = async (sequence: Sequence): Promise<boolean> => {
    attempts -= 1;
    const difference = await rerun(sequence);
    if (difference === undefined || nameOf(difference.step.command) !== wanted) return false;
    best = cutBehind(difference);
    return true;
  };
  best = cutBehind(best);
  // Without a pipeline and in RESP2 it reads more easily.
  if (best.sequence.isPipelined) await accept({ ...best.sequence, isPipelined: false });
  await accept({ ...best.sequence, protocols: best.sequence.protocols.map(() => 2) });
  for (let size = Math.ceil(best.sequence.steps.length / 2); size >= 1 && attempts > 0;) {
    let hasShrunk = false;
    for (let end = best.sequence.steps.length; end > 0 && attempts > 0; end -= size) {
      const { steps } = best.sequence;
      const shorter = [...steps.slice(0, Math.max(0, end - size)), ...steps.slice(end)];
      if (shorter.length < steps.length && await accept({ ...best.sequence, steps: shorter })) hasShrunk = true;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!hasShrunk) break;
  }
  return best;
}

/** The steps behind the difference play no part in it. */
function cutBehind(difference: Difference): Difference {
  const { sequence, at } = difference;
  return at === undefined
    ? difference
    : { ...difference, sequence: { ...sequence, steps: sequence.steps.slice(0, at + 1) } };
}
