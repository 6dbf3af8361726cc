/** How many files and sockets this process may have open. */

/** Assumed where the system does not tell: the client port finds out by itself when there are fewer. */
const ASSUMED_LIMIT = 65_536;

/** The soft limit on open file descriptors, from `/proc` on Linux (readable with all permissions only), else a guess. */
export function descriptorLimit(): number {
  try {
    const line = Deno.readTextFileSync("/proc/self/limits").split("\n").find((text) =>
      text.startsWith("Max open files")
    );
    const soft = Number(line?.slice("Max open files".length).trim().split(/ +/)[0]);
    return Number.isSafeInteger(soft) && soft > 0 ? soft : ASSUMED_LIMIT;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return ASSUMED_LIMIT;
    throw error;
  }
}
