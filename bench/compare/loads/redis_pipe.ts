/** SETs through `redis-cli --pipe`: one connection that sends without waiting for replies. */

import { encodeRequest } from "../../../tests/support/resp/encode.ts";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { unwatch, watch } from "../servers/server.ts";

const KEYS_PER_BLOCK = 10_000;

/** A file of SETs of `keys` keys, one after the other. */
export class PipeFile implements AsyncDisposable {
  readonly keys: number;
  readonly #path: string;

  private constructor(path: string, keys: number) {
    this.#path = path;
    this.keys = keys;
  }

  /** Writes it. */
  static async make(keys: number, valueBytes: number): Promise<PipeFile> {
    const path = await Deno.makeTempFile({ prefix: "kvstore-compare-pipe-" });
    const pipe = new PipeFile(path, keys);
    const value = "x".repeat(valueBytes);
    using file = await Deno.open(path, { write: true });
    for (let first = 0; first < keys; first += KEYS_PER_BLOCK) {
      const count = Math.min(KEYS_PER_BLOCK, keys - first);
      const requests = Array.from({ length: count }, (_, at) => encodeRequest("SET", keyOf(first + at), value));
      const bytes = stringToBytes(requests.join(""));
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
    }
    return pipe;
  }

  /** Sends it; resolves to the seconds until the last reply. Rejects when a reply was an error, or after `timeoutMs`. */
  async send(address: string, timeoutMs: number): Promise<number> {
    const [host = "", port = ""] = address.split(":");
    const line = `exec redis-cli -h ${host} -p ${port} --pipe --pipe-timeout 0 < "$0"`;
    const since = performance.now();
    const child = new Deno.Command("sh", { args: ["-c", line, this.#path], stdout: "piped", stderr: "piped" }).spawn();
    const owner = { pids: () => [child.pid] };
    watch(owner);
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    try {
      const { stdout, stderr } = await child.output();
      const seconds = (performance.now() - since) / 1_000;
      const decoder = new TextDecoder();
      checkPipe(decoder.decode(stdout) + decoder.decode(stderr), this.keys);
      return seconds;
    } finally {
      clearTimeout(timer);
      unwatch(owner);
    }
  }

  /** Removes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#path);
  }
}

/** A key as the load generators make them. */
export function keyOf(n: number): string {
  return `key:${String(n).padStart(12, "0")}`;
}

/** Throws unless `redis-cli --pipe` says that every request had its reply and none was an error. */
export function checkPipe(text: string, requests: number): void {
  const [, errors, replies] = /errors: (\d+), replies: (\d+)/.exec(text) ?? [];
  if (errors === "0" && Number(replies) === requests) return;
  throw new Error(
    `redis-cli --pipe sent ${requests} requests and said: ${text.trim().split("\n").slice(-2).join(" | ")}`,
  );
}
