/** The first user of a cluster: proposed by whichever node leads, and taken by the state machine as long as there is none. */

import type { Clock, Timer } from "../base/clock.ts";
import type { KeyValueNode } from "../node/api.ts";
import type { NodeLog } from "../node/options.ts";
import type { Audit } from "../observe/audit.ts";
import { hashPassword } from "./passwords.ts";

/** How often a node looks whether it is its turn, in ms. */
const LOOK_MS = 200;

/** A user with his password; byte strings. */
export interface FirstUser {
  readonly name: string;
  readonly password: string;
}

/** Proposes until there is a user. */
export class FirstUserProposer {
  readonly #node: Pick<KeyValueNode, "users" | "status" | "write">;
  readonly #parts: { readonly clock: Clock; readonly log: NodeLog; readonly audit: Audit };
  #timer: Timer | undefined;
  #stopped = false;
  #isProposing = false;

  /** Begins with `start`. */
  constructor(
    node: Pick<KeyValueNode, "users" | "status" | "write">,
    parts: { readonly clock: Clock; readonly log: NodeLog; readonly audit: Audit },
  ) {
    this.#node = node;
    this.#parts = parts;
  }

  /** Works out what is kept of the password, and begins to look. */
  async start({ name, password }: FirstUser): Promise<void> {
    const hash = await hashPassword(password);
    this.#look({ name, hash });
  }

  /** Looks no more. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #look(user: { readonly name: string; readonly hash: string }): void {
    if (this.#stopped || this.#node.users.size > 0) return;
    this.#timer = this.#parts.clock.after(LOOK_MS, () => this.#look(user));
    const { raft: { role, termCommitted } } = this.#node.status();
    if (role !== "Leader" || !termCommitted || this.#isProposing) return;
    this.#isProposing = true;
    this.#node.write({ type: "SetUser", rule: "First", ...user }, (outcome) => {
      this.#isProposing = false;
      if (outcome.type !== "Done" || outcome.result.type !== "Reply") return;
      this.#parts.audit.record({
        ...{ type: "Admin", user: "", from: "", protocol: "none", command: "bootstrap-user", subject: user.name },
        isAllowed: true,
      });
      this.#parts.log("info", `User ${user.name} is the first one: from now on clients have to log in`);
    });
  }
}
