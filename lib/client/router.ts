/**
 * Which server requests go to: the leader as far as it is known, since every other one forwards to it, and any that can be
 * reached while it is not.
 */

import { TlsError } from "../base/dial.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";
import type { Connection } from "./connection.ts";
import { NotDoneError, ServerError } from "./errors.ts";
import { askForLeader } from "./handshake.ts";
import { LEADER_CHECK_MS, SERVERS_MAX, UNREACHABLE_PAUSE_MS } from "./limits.ts";
import { Server, type ServerOptions } from "./server.ts";

/** Every server that the client knows, and the one that it prefers. */
export class Router {
  readonly #servers = new Map<string, Server>();
  readonly #options: ServerOptions;
  readonly #silenceMs: number;
  readonly #abort = new AbortController();
  #preferred: Server;
  #finding: Promise<Connection> | undefined;
  #following: Promise<void> | undefined;
  #followedAtMs = -Infinity;

  /** Starts with at least one address; connects to none yet. A connection that is silent for `silenceMs` is given up. */
  constructor(
    addresses: readonly Address[],
    { silenceMs, ...options }: Omit<ServerOptions, "signal" | "lost"> & { readonly silenceMs: number },
  ) {
    this.#silenceMs = silenceMs;
    this.#options = { ...options, signal: this.#abort.signal, lost: (server) => this.avoid(server.address) };
    for (const address of addresses) this.#add(address);
    const [first] = this.#servers.values();
    if (first === undefined) throw new TypeError("Cannot connect: give at least one server");
    this.#preferred = first;
  }

  /** A connection to send to: at once when there is one. Rejects with `NotDoneError` when no server can be reached. */
  acquire(): Connection | Promise<Connection> {
    const nowMs = performance.now();
    const ready = this.#readyOf(this.#preferred, nowMs);
    if (ready === undefined) return this.#find();
    if (nowMs - this.#followedAtMs > LEADER_CHECK_MS) this.#follow(ready);
    return ready;
  }

  /** Connects to some server and then to the one that leads by its account, if that can be reached. */
  async start(): Promise<void> {
    await this.acquire();
    await this.#following;
  }

  /** The server at `address` could not help now: the next request goes to another one, if there is one. */
  avoid(address: string): void {
    if (this.#preferred.address !== address) return;
    const servers = [...this.#servers.values()];
    this.#preferred = servers[(servers.indexOf(this.#preferred) + 1) % servers.length] ?? this.#preferred;
    // Whoever is next knows better who leads.
    this.#followedAtMs = -Infinity;
  }

  /** Requests are to go to that address, if it can be reached. */
  prefer(address: string): void {
    const server = this.#serverAt(address);
    if (server !== undefined) void this.#switchTo(server);
  }

  /** No request gets through on that connection any more. */
  retire(connection: Connection): void {
    this.#servers.get(connection.address)?.retire(connection);
    this.avoid(connection.address);
  }

  /** Closes every connection, those that are being opened too. */
  close(reason: Error): void {
    this.#abort.abort(reason);
    for (const server of this.#servers.values()) server.close(reason);
  }

  #add(address: Address): Server {
    const server = new Server(address, this.#options);
    this.#servers.set(server.address, server);
    return server;
  }

  #serverAt(text: string): Server | undefined {
    const address = parseAddress(text);
    if (address === undefined) return undefined;
    const known = this.#servers.get(formatAddress(address));
    if (known !== undefined) return known;
    return this.#servers.size < SERVERS_MAX ? this.#add(address) : undefined;
  }

  /**
   * An open connection of a server that answers. One that owes replies and is silent takes no further request: each would
   * only wait for its own deadline, for as long as the system takes to find out that nobody is there.
   */
  #readyOf(server: Server, nowMs: number): Connection | undefined {
    for (;;) {
      const ready = server.ready();
      if (ready === undefined || ready.silentMs(nowMs) <= this.#silenceMs) return ready;
      this.retire(ready);
    }
  }

  #find(): Promise<Connection> {
    this.#finding ??= this.#tryEach().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async #tryEach(): Promise<Connection> {
    const servers = this.#inOrder();
    let cause: unknown;
    for (const server of servers) {
      if (this.#abort.signal.aborted) break;
      try {
        const connection = this.#readyOf(server, performance.now()) ?? await server.open();
        this.#preferred = server;
        this.#follow(connection);
        return connection;
      } catch (error) {
        if (error instanceof ServerError) throw error;
        cause = error;
      }
    }
    const known = servers.map((server) => server.address).join(", ");
    throw new NotDoneError("UNREACHABLE", { message: `Cannot reach any server of ${known}${tlsReason(cause)}`, cause });
  }

  /** From the preferred server on, those last that could not be reached a moment ago. */
  #inOrder(): readonly Server[] {
    const servers = [...this.#servers.values()];
    const first = servers.indexOf(this.#preferred);
    const turned = [...servers.slice(first), ...servers.slice(0, first)];
    return [...turned.filter((server) => !hasJustFailed(server)), ...turned.filter(hasJustFailed)];
  }

  /** Asks who leads and goes there, beside the requests. */
  #follow(connection: Connection): void {
    this.#followedAtMs = performance.now();
    this.#following ??= this.#goToLeader(connection).finally(() => {
      this.#following = undefined;
    });
  }

  async #goToLeader(connection: Connection): Promise<void> {
    const leader = await askForLeader(connection, this.#options.timers);
    if (leader === undefined || leader === connection.address) return;
    const server = this.#serverAt(leader);
    if (server !== undefined) await this.#switchTo(server);
  }

  async #switchTo(server: Server): Promise<void> {
    if (hasJustFailed(server)) return;
    try {
      if (server.ready() === undefined) await server.open();
      this.#preferred = server;
    } catch {
      // The others forward to it.
    }
  }
}

/** What no waiting mends is said, if the last attempt failed for it. */
function tlsReason(cause: unknown): string {
  const reason = cause instanceof NotDoneError ? cause.cause : undefined;
  return reason instanceof TlsError ? `: ${reason.message}` : "";
}

function hasJustFailed({ failedAtMs }: Server): boolean {
  return failedAtMs !== undefined && performance.now() - failedAtMs < UNREACHABLE_PAUSE_MS;
}
