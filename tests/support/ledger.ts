/** What clients were told about their writes: the promises that a cluster has to keep. */

import { TextClient } from "./text_client.ts";

const CHUNK = 500;

/** Every write by its outcome. Each key is written once, so "nothing lost" is one lookup per key. */
export class Ledger {
  /** Values that must be found for ever. */
  readonly acknowledged = new Map<string, string>();
  /** Values that may be found or not, but nothing else in their place. */
  readonly unknown = new Map<string, string>();
  /** How often an outcome was unknown for which reason. */
  readonly reasons = new Map<string, number>();
  /** When each acknowledged write was sent first, and when its reply came, in the order of the replies. */
  readonly times: { readonly sentAt: number; readonly repliedAt: number }[] = [];
  /** Replies that fit no outcome we know. */
  readonly surprises: string[] = [];

  /** Notes an acknowledged write. */
  acknowledge(write: { readonly key: string; readonly value: string; readonly sentAt: number }): void {
    this.acknowledged.set(write.key, write.value);
    this.times.push({ sentAt: write.sentAt, repliedAt: performance.now() });
  }

  /** Notes a write whose fate is unknown; `reason` is the reply, or how the connection ended. */
  leaveOpen(write: { readonly key: string; readonly value: string; readonly reason: string }): void {
    this.unknown.set(write.key, write.value);
    this.reasons.set(write.reason, (this.reasons.get(write.reason) ?? 0) + 1);
  }

  /** Milliseconds from `at` to the first acknowledgement of a write sent after it; undefined while there is none. */
  firstAfter(at: number): number | undefined {
    const first = this.times.find(({ sentAt }) => sentAt >= at);
    return first === undefined ? undefined : first.repliedAt - at;
  }

  /** Reads every key on a node. Returns one line for each promise that is broken. */
  async check(port: number): Promise<string[]> {
    using client = await TextClient.connect(port, { timeoutMs: 60_000 });
    const broken = [...this.surprises];
    const keys = [...this.acknowledged.keys(), ...this.unknown.keys()];
    for (let at = 0; at < keys.length; at += CHUNK) {
      const part = keys.slice(at, at + CHUNK);
      const replies = part.map(() => client.expect(false));
      client.send(part.map((key) => `GET ${key}\n`).join(""));
      for (const [index, key] of part.entries()) {
        const reply = (await replies[index])?.[0] ?? "";
        const objection = this.#judge(key, reply);
        if (objection !== undefined) broken.push(objection);
      }
    }
    return broken;
  }

  #judge(key: string, reply: string): string | undefined {
    const promised = this.acknowledged.get(key);
    const value = promised ?? this.unknown.get(key);
    if (reply === `value of ${key}: ${value}`) return undefined;
    if (promised === undefined && reply === `Error: ${key} does not exist.`) return undefined;
    return `${promised === undefined ? "unknown" : "acknowledged"} ${key}=${value}, read: ${reply}`;
  }
}
