/** The walk: the files of the program that one SET on a follower passes through, on the follower, the leader and the third node. */

import { encodeRequest } from "../support/resp/encode.ts";
import { waitFor } from "../support/wait.ts";
import { CalledFunctions } from "./called_functions.ts";
import { Nodes } from "./nodes.ts";
import { StillClock } from "./still_clock.ts";

/** Rare work meets one SET and not the next (the compaction of a shard): what most of them do is the walk. */
const SETS = 9;
/** So often in a row nothing must have been called: then what came is done, on every node. */
const QUIET_LOOKS = 3;
const REPLY_BYTES_MAX = 64;

/** What was called. */
export interface Walk {
  /** Sorted, without those of `base` and `observe`. */
  readonly files: readonly string[];
  /** What was called in a while without a SET: by rights nothing. */
  readonly idle: readonly string[];
}

/** Measures it. */
export async function measureWalk(): Promise<Walk> {
  const clock = new StillClock();
  const nodes = await Nodes.start(clock);
  const called = new CalledFunctions();
  try {
    using client = await Deno.connect({ hostname: "127.0.0.1", port: nodes.follower().clients.port });
    await set(client, "first");
    await nodes.agree();
    await called.start();
    const idle = await during({ clock, nodes, called }, () => Promise.resolve());
    const times = new Map<string, number>();
    for (let number = 0; number < SETS; number++) {
      const files = await during({ clock, nodes, called }, () => set(client, `value ${number}`));
      for (const file of files) times.set(file, (times.get(file) ?? 0) + 1);
    }
    const most = [...times].filter(([, count]) => count > SETS / 2).map(([file]) => file);
    return { idle: [...idle], files: most.filter((file) => !/^lib\/(base|observe)\//.test(file)).sort() };
  } finally {
    await called.stop();
    await nodes.stop();
  }
}

interface Surroundings {
  readonly clock: StillClock;
  readonly nodes: Nodes;
  readonly called: CalledFunctions;
}

/** The files that are called because of `action` and nothing else: time stands still. */
async function during(
  { clock, nodes, called }: Surroundings,
  action: () => Promise<void>,
): Promise<ReadonlySet<string>> {
  clock.stop();
  await quiet(nodes, called);
  await action();
  const files = await quiet(nodes, called);
  clock.goOn();
  await nodes.agree();
  return files;
}

/** Waits until nothing is called any more, and no disk is waited for; gives what was. */
async function quiet(nodes: Nodes, called: CalledFunctions): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  let quietLooks = 0;
  await waitFor(async () => {
    const files = await called.take();
    for (const file of files) seen.add(file);
    quietLooks = files.length === 0 && nodes.isDiskIdle ? quietLooks + 1 : 0;
    return quietLooks >= QUIET_LOOKS ? true : undefined;
  }, { what: "nothing is called while time stands still" });
  return seen;
}

async function set(client: Deno.TcpConn, value: string): Promise<void> {
  await client.write(new TextEncoder().encode(encodeRequest("SET", "key", value)));
  const reply = new Uint8Array(REPLY_BYTES_MAX);
  const length = await client.read(reply) ?? 0;
  const text = new TextDecoder().decode(reply.subarray(0, length));
  if (text !== "+OK\r\n") throw new Error(`SET was answered with ${JSON.stringify(text)}`);
}
