/** Many requests quickly: pipelined over a few connections, replies compared in order. */

import { TextClient } from "./text_client.ts";

/** Many requests of one kind. */
export interface BulkOptions {
  readonly port: number;
  readonly count: number;
  /** Default 8. */
  readonly connections?: number;
  /** Requests on the way per connection; default 64. */
  readonly depth?: number;
  /** The line of request `n` and the reply it must get. */
  request(n: number): { readonly line: string; readonly reply: string };
}

/** Sends `count` requests; rejects with the first reply that differs from the one expected. Each request is sent once. */
export async function runBulk(options: BulkOptions): Promise<void> {
  const connections = options.connections ?? 8;
  const depth = options.depth ?? 64;
  let next = 0;
  const work = async (): Promise<void> => {
    using client = await TextClient.connect(options.port, { timeoutMs: 30_000 });
    while (next < options.count) {
      const expected: string[] = [];
      let text = "";
      while (expected.length < depth && next < options.count) {
        const { line, reply } = options.request(next++);
        text += `${line}\n`;
        expected.push(reply);
      }
      const replies = expected.map(() => client.expect(false));
      client.send(text);
      const got = await Promise.all(replies);
      for (const [at, [reply]] of got.entries()) {
        if (reply !== expected[at]) {
          throw new Error(`Expected "${expected[at]?.slice(0, 100)}", got "${reply?.slice(0, 100)}"`);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
}
