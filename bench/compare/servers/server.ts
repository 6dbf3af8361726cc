/** What is measured, under one name: processes that are counted together, and all of which end when the comparison ends. */

/** Processes that serve clients. Ids count from 0. */
export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly ids: readonly number[];
  /** Where clients connect: `host:port`. */
  address(id: number): string;
  /** The process of a node; 0 while it does not run. */
  pid(id: number): number;
}

/** Something with processes of ours. */
export interface Owner {
  pids(): readonly number[];
}

const owners = new Set<Owner>();

/** Remembers whose processes `endAll` ends. */
export function watch(owner: Owner): void {
  owners.add(owner);
}

/** Forgets it: its processes have ended. */
export function unwatch(owner: Owner): void {
  owners.delete(owner);
}

/** Ends every process that this comparison has started and that still runs, at once. */
export function endAll(): void {
  for (const pid of [...owners].flatMap((owner) => owner.pids())) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
}

/** The processes of a server that run now. */
export function pidsOf(server: Pick<Server, "ids" | "pid">): readonly number[] {
  return server.ids.map((id) => server.pid(id)).filter((pid) => pid > 0);
}
