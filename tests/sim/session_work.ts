/** Clients that use sessions: a command whose outcome is not known is sent again under its number until it is. */

import { type Call, encodeCommand } from "../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../lib/node/api.ts";
import { makeSessionCall, type Words } from "./call_maker.ts";
import type { Workload } from "./clients.ts";
import type { Pending } from "./pending.ts";
import type { SimServer } from "./server.ts";

/** A session in use, and what was sent and is not settled. */
interface Used {
  readonly id: number;
  sequence: number;
  open: Call | undefined;
  isBusy: boolean;
}

/** Commands within sessions. */
export class SessionWork {
  readonly #workload: Workload;
  readonly #words: Words;
  readonly #used = new Map<number, Used>();

  constructor({ workload, words }: { readonly workload: Workload; readonly words: Words }) {
    this.#workload = workload;
    this.#words = words;
  }

  /** Sends a command of one of the sessions, the one that is not settled first; rarely one under a number already used. */
  act(client: number, server: SimServer): void {
    const used = this.#pick();
    const again = used.open !== undefined;
    const reuses = !again && used.sequence > 0 && this.#words.random.chance(REUSE_CHANCE);
    if (!again && !reuses) used.sequence += 1;
    const call = used.open ?? makeSessionCall(this.#words);
    used.open = call;
    used.isBusy = true;
    const operation = again ? "session retry" : reuses ? "session reuse" : "session";
    const pending = this.#workload.begin(client, { operation, key: call[1] ?? "", argument: null, server });
    const use = { id: used.id, sequence: used.sequence };
    const { login } = this.#workload;
    const encoded = encodeCommand({ type: "Call", call }, use, login);
    const done = (outcome: WriteOutcome) => this.#done(pending, { used, encoded, outcome });
    server.node?.submit({ type: "Call", call }, done, { session: use, login });
    // The process may end before it answers; then the number is free to be sent again, to another.
    pending.lost = () => {
      used.isBusy = false;
    };
  }

  #pick(): Used {
    const { random } = this.#words;
    const { sessions } = this.#workload;
    const id = sessions.length > 0 && random.chance(0.95) ? random.pick(sessions) : NO_SESSION;
    const known = this.#used.get(id);
    if (known !== undefined && !known.isBusy) return known;
    const used: Used = { id: known === undefined ? id : NO_SESSION, sequence: 0, open: undefined, isBusy: false };
    if (known === undefined) this.#used.set(id, used);
    return used;
  }

  #done(
    pending: Pending,
    { used, encoded, outcome }: { readonly used: Used; readonly encoded: string; readonly outcome: WriteOutcome },
  ): void {
    if (!this.#workload.isExpected(pending)) return;
    used.isBusy = false;
    if (outcome.type === "Unknown") return this.#workload.lose(pending);
    if (outcome.type === "NotDone") return this.#workload.refuse(pending, outcome.reason);
    const { result } = outcome;
    if (this.#workload.isDenied(pending, { result, encoded })) return;
    used.open = undefined;
    this.#workload.judgeResult(pending, { result, encoded });
    // The first answer is older than what this client has seen since.
    this.#workload.complete(pending, { result: null, index: null });
  }
}

/** How often a settled client takes the number of its last command for another one. */
const REUSE_CHANCE = 0.1;

/** The id of a session that nobody ever opens. */
const NO_SESSION = 1_000_000_000;
