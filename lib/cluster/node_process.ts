/** One node as a process of its own: started, its lines collected, ended. */

import { LAUNCHED_VARIABLE } from "./parent_watch.ts";

/** Longer lines are cut into several, so that a node cannot make the launcher keep its output for ever. */
const LINE_LENGTH_MAX = 65_536;

/** How a process ended: its exit code, or the signal that ended it. */
export interface ProcessEnd {
  readonly code: number;
  readonly signal: string | undefined;
}

/** What the launcher sends to its nodes. */
export type ProcessSignal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** A process that was started. */
export interface NodeProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  /** Does nothing when the process has ended. */
  kill(signal: ProcessSignal): void;
  /** Writes to its standard input; lost when the process has ended. */
  tell(text: string): void;
}

/** Where a process writes. A node's log goes to `stderr`, and what it asks of its launcher to `stdout`. */
export type OutputStream = "stdout" | "stderr";

/** What to start. */
export interface ProcessPlan {
  readonly executable: string;
  readonly args: readonly string[];
  /** Added to the environment, from which every other setting of ours is removed. */
  readonly environment: Readonly<Record<string, string>>;
  /** Takes each line the process writes, and to which stream. */
  readonly onLine: (line: string, stream: OutputStream) => void;
}

/** Starts a process as a `ProcessPlan` says. */
export type StartProcess = (plan: ProcessPlan) => NodeProcess;

/** Starts a real process, whose standard input stays open exactly as long as this process lives. */
export function startProcess(plan: ProcessPlan): NodeProcess {
  const child = new Deno.Command(plan.executable, {
    args: [...plan.args],
    clearEnv: true,
    env: { ...withoutSettings(Deno.env.toObject()), ...plan.environment, [LAUNCHED_VARIABLE]: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines = (["stdout", "stderr"] as const).map((stream) =>
    forEachLine(child[stream], (line) => plan.onLine(line, stream))
  );
  const input = child.stdin.getWriter();
  // Its last words come before the news of its end.
  const ended = Promise.all([child.status, ...lines]).then(async ([status]) => {
    await input.close().catch(() => {});
    return { code: status.code, signal: status.signal ?? undefined };
  });
  return {
    pid: child.pid,
    ended,
    tell: (text) => {
      // A pipe that breaks belongs to a process that is gone, of which `ended` tells.
      input.write(new TextEncoder().encode(text)).catch(() => {});
    },
    kill: (signal) => {
      try {
        child.kill(signal);
      } catch {
        // It ended in the meantime, and `ended` tells so.
      }
    },
  };
}

/** A setting meant for the launcher (`KVSTORE_PORT`) must not reach every node. */
export function withoutSettings(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("KVSTORE_")));
}

/** Calls `onLine` for each line of a stream, without its line end, and for an unended last one. Never rejects. */
export async function forEachLine(
  stream: AsyncIterable<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  // A mark of the byte order would be taken away wherever a piece begins with it.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  try {
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (rest.length > LINE_LENGTH_MAX) {
        onLine(rest);
        rest = "";
      }
    }
  } catch {
    // A pipe that breaks ends like one that is closed: the process is gone.
  }
  if (rest !== "") onLine(rest);
}
