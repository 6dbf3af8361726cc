/** What processes take, as the system says in `/proc`. */

const CLOCK_TICKS_PER_SECOND = 100;

/** Resident bytes of a process: now, or the most it ever had; NaN when it has ended. */
export function residentBytes(pid: number, when: "now" | "most" = "now"): number {
  const name = when === "now" ? "VmRSS" : "VmHWM";
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1_024;
  } catch {
    return NaN;
  }
}

/** Processor time of a process so far, of all its threads; 0 when it has ended. */
export function cpuSecondsOf(pid: number): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
