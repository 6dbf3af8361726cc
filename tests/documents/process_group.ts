/** The processes that one shell has started, and theirs: those of its process group, as the system says in `/proc`. */

import { waitFor } from "../support/wait.ts";

/** Kills every process of the group, one by one, and waits until none is left. */
export async function killGroup(group: number): Promise<void> {
  await waitFor(() => {
    const members = listMembers(group);
    for (const pid of members) killProcess(pid);
    return members.length === 0 || undefined;
  }, { what: `the processes of group ${group} end` });
}

/** The processes of a group that run; one that has ended and is still in the table is not among them. */
export function listMembers(group: number): readonly number[] {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
  return pids.filter((pid) => {
    const [state, , ofGroup] = statOf(pid);
    return Number(ofGroup) === group && state !== "Z" && state !== "X";
  });
}

/** State, parent, group and so on; nothing when there is no such process any more. */
function statOf(pid: number): readonly string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
  } catch {
    return []; // It has ended since the table was read.
  }
}

function killProcess(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && statOf(pid).length > 0) throw error;
  }
}
