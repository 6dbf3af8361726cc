/** How much memory a process has, as the system says. */

/** Resident bytes of a process, from `/proc`. Throws when it has ended. */
export function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
}
