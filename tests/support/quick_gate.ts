/** A gate whose passwords need no work, for tests that log in thousands of times. */

import type { Clock } from "../../lib/base/clock.ts";
import { type Claim, Gate, type LoginOutcome } from "../../lib/access/gate.ts";
import { HashQueue } from "../../lib/access/hash_queue.ts";
import type { KeyValueNode } from "../../lib/node/api.ts";
import { hashOf } from "./users.ts";

/** Every user has the same password; what is kept of a new one is always the same. */
export class QuickGate extends Gate {
  override readonly hashes = new QuickHashes();
  /** What was claimed, in order. */
  readonly claims: Claim[] = [];
  readonly #node: KeyValueNode;
  readonly #password: string;

  /** Before `node`, whose users have that password. */
  constructor(node: KeyValueNode, { clock, password }: { readonly clock: Clock; readonly password: string }) {
    super({ node, clock, dateMs: () => node.timeMs(), log: () => {}, secret: "", awaitsUsers: false });
    this.#node = node;
    this.#password = password;
  }

  override login(claim: Claim): Promise<LoginOutcome> {
    this.claims.push(claim);
    const user = this.#node.users.find(claim.name);
    const isRight = user !== undefined && claim.password === this.#password;
    return Promise.resolve(
      isRight ? { type: "LoggedIn", login: { name: user.name, id: user.login } } : { type: "WrongPassword" },
    );
  }
}

/** Does no job: whatever is worked on, that is what is kept of a password. */
class QuickHashes extends HashQueue {
  override run<T>(_who: string, _job: () => Promise<T>): Promise<T | undefined> {
    const kept: unknown = hashOf(2);
    return Promise.resolve(kept as T);
  }
}
