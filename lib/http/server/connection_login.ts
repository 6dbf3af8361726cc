/** What an HTTP connection knows of who has logged in on it, by the credentials of its requests, and what it may hold before. */

import type { Login } from "../../access/login.ts";
import type { CertifiedClient } from "../../base/certified_client.ts";
import { BEFORE_LOGIN_UNSENT_BYTES_MAX, UNSENT_BYTES_MAX } from "../../net/limits.ts";
import type { ClosedBeforeLogin } from "../../net/connections_before_login.ts";
import type { MemoryBudget } from "../../net/memory_budget.ts";
import type { ClientSocket } from "../../net/client_socket.ts";
import type { HttpRequest } from "../http.ts";
import { BEFORE_LOGIN_SHARE_BYTES } from "./limits.ts";

/** What a server knows of logins. */
export interface HttpLogins {
  /** Whether more is needed than that login, undefined for none, and that certificate. */
  isNeeded(login: Login | undefined, certified: CertifiedClient | undefined): boolean;
  /** Whose a request is, where that is known without work and before its body; undefined where it is not. */
  known(head: Omit<HttpRequest, "body">): Login | undefined;
}

/** What the connections of a port share of it. */
export interface ConnectionLoginContext {
  /** Undefined where nobody ever logs in. */
  readonly logins: HttpLogins | undefined;
  /** What all connections hold on which nobody has logged in. */
  readonly budgetBeforeLogin: MemoryBudget;
  readonly closedBeforeLogin: ClosedBeforeLogin;
}

/** Of one connection. */
export class ConnectionLogin {
  readonly #socket: Pick<ClientSocket, "isSecured" | "certified">;
  readonly #context: ConnectionLoginContext;
  #login: Login | undefined;
  #heldBytes = 0;

  /** Nobody has logged in. */
  constructor(socket: Pick<ClientSocket, "isSecured" | "certified">, context: ConnectionLoginContext) {
    this.#socket = socket;
    this.#context = context;
  }

  /** Whether nobody has logged in, and somebody has to. */
  get isAwaited(): boolean {
    if (this.#socket.isSecured === false) return true;
    return this.#context.logins?.isNeeded(this.#login, this.#socket.certified) === true;
  }

  /** Whether no further request is begun while so much waits to be sent. */
  isFull(unsentBytes: number): boolean {
    return unsentBytes > UNSENT_BYTES_MAX || (unsentBytes > BEFORE_LOGIN_UNSENT_BYTES_MAX && this.isAwaited);
  }

  /** The credentials of a request were right: whoever has sent them is on this connection. */
  readonly note = (login: Login): void => {
    this.#login = login;
  };

  /**
   * The connection holds `bytes` in all, for the request with that head. False when they have to be given back: those on which nobody has logged
   * in hold too much together, and this one more than its share.
   */
  hold(bytes: number, head: Omit<HttpRequest, "body"> | undefined): boolean {
    const { logins, budgetBeforeLogin } = this.#context;
    const isLong = bytes > BEFORE_LOGIN_SHARE_BYTES;
    if (isLong && this.#login === undefined && head !== undefined) this.#login = logins?.known(head);
    const held = isLong && this.isAwaited ? bytes : 0;
    budgetBeforeLogin.add(held - this.#heldBytes);
    this.#heldBytes = held;
    return held === 0 || !budgetBeforeLogin.exceeded;
  }

  /** The connection is closed. */
  close(): void {
    this.#context.budgetBeforeLogin.add(-this.#heldBytes);
    this.#heldBytes = 0;
  }
}
