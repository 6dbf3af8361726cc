/** The leader: reads requests of clients, and what the followers answer. */

import { withRoom } from "./bytes.ts";
import { CONFIRM, kindOf, numberIn, readFrames } from "./frame.ts";
import { LogFile } from "./log_file.ts";
import { Output } from "./output.ts";
import { Reads } from "./reads.ts";
import { RequestReader } from "./request.ts";
import { ByteStore } from "./store.ts";
import { BufferPool, Turn } from "./turn.ts";
import { Writes } from "./writes.ts";

const READ_BYTES = 65_536;
const OK = new TextEncoder().encode("+OK\r\n");
const LETTER_S = 115;
const LETTER_G = 103;
const LOWER_CASE = 32;

/** Leads until its followers are gone. */
export class Leader {
  readonly #peers: Output[] = [];
  readonly #toFlush = new Set<Output>();
  readonly #request = new RequestReader();
  readonly #turn = new Turn(() => this.#endTurn());
  readonly #writes: Writes;
  readonly #reads: Reads;

  constructor(directory: string, followers: number) {
    const shared = {
      store: new ByteStore(),
      pool: new BufferPool(),
      peers: this.#peers,
      toFlush: this.#toFlush,
    };
    const wake = () => this.#turn.schedule();
    this.#writes = new Writes({ ...shared, log: new LogFile(directory), wake }, followers);
    this.#reads = new Reads(shared);
  }

  /** Serves clients on `listener`. Ends with the first follower that is lost. */
  async run(followers: readonly Deno.TcpConn[], listener: Deno.TcpListener): Promise<void> {
    const lost = followers.map((socket, follower) => {
      this.#peers.push(new Output(socket));
      return readFrames(socket, {
        take: (frame) => {
          if (kindOf(frame) === CONFIRM) this.#reads.confirm(numberIn(frame));
          else this.#writes.acknowledge(follower, numberIn(frame));
        },
        pause: () => this.#turn.schedule(),
      });
    });
    void this.#accept(listener);
    await Promise.race(lost);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for await (const socket of listener) void this.#serve(socket);
  }

  /** Each request is read where it lies, and copied once. */
  async #serve(socket: Deno.TcpConn): Promise<void> {
    const output = new Output(socket);
    let bytes = new Uint8Array(READ_BYTES);
    let end = 0;
    for (;;) {
      bytes = withRoom(bytes, end, 1);
      const count = await socket.read(end === 0 ? bytes : bytes.subarray(end)).catch(() => null);
      if (count === null) return;
      end += count;
      const at = this.#take(bytes, end, output);
      if (at > 0 && at < end) bytes.copyWithin(0, at, end);
      end -= at;
      this.#turn.schedule();
    }
  }

  /** Returns where the first incomplete request begins. */
  #take(bytes: Uint8Array, end: number, output: Output): number {
    const { starts, lengths } = this.#request;
    let at = 0;
    while (at < end) {
      const next = this.#request.read(bytes, at, end);
      if (next < 0) break;
      const key = starts[1] ?? 0;
      const value = starts[2] ?? 0;
      const letter = (bytes[starts[0] ?? 0] ?? 0) | LOWER_CASE;
      if (letter === LETTER_S) this.#writes.add(bytes, key, lengths[1] ?? 0, value, lengths[2] ?? 0, output);
      else if (letter === LETTER_G) this.#reads.add(bytes, key, lengths[1] ?? 0, output);
      else {
        output.put(OK, 0, OK.length);
        this.#toFlush.add(output);
      }
      at = next;
    }
    return at;
  }

  #endTurn(): void {
    this.#writes.propose();
    this.#reads.ask();
    for (const output of this.#toFlush) output.flush();
    this.#toFlush.clear();
  }
}
