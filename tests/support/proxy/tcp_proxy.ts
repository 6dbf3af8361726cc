/** Forwards TCP connections; what passes is handed to whoever made the proxy, who may change it, hold it back or lose it. */

/** Passes on what came from the other end; undefined when that has ended. False ends the connection. */
export type Pass = (to: Deno.TcpConn, bytes: Uint8Array | undefined) => Promise<boolean>;

/** What becomes of one connection. */
export interface Passes {
  readonly toServer: Pass;
  readonly toClient: Pass;
}

/** Where connections to a port go on. */
export interface TcpRoute {
  /** On 127.0.0.1; 0 for any free one. */
  readonly port: number;
  /** Asked for each connection. */
  target(): { readonly hostname: string; readonly port: number };
  /** The client and the server of a connection have been joined, and nothing was passed on yet; undefined ends it. */
  join(client: Deno.TcpConn, server: Deno.TcpConn): Promise<Passes | undefined>;
  /** The connection has ended. */
  left?(client: Deno.TcpConn): void;
}

/** Listens until it is disposed. */
export class TcpProxy implements AsyncDisposable {
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #tasks = new Set<Promise<void>>();
  #stopped = false;

  /** Whether it was disposed: nothing is held back any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Listens on the port of a route, and returns it. */
  open(route: TcpRoute): number {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: route.port });
    this.#listeners.push(listener);
    this.#run(this.#accept(listener, route));
    return listener.addr.port;
  }

  /** Closes everything. Who holds something back looks at `stopped` then. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.#connections) closeQuietly(connection);
    await Promise.all(this.#tasks);
  }

  /** A task that fails has lost one of its ends, which is what ends it. */
  #run(task: Promise<void>): void {
    const watched = task.catch(() => {}).then(() => {
      this.#tasks.delete(watched);
    });
    this.#tasks.add(watched);
  }

  async #accept(listener: Deno.TcpListener, route: TcpRoute): Promise<void> {
    for await (const client of listener) {
      this.#connections.add(client);
      this.#run(this.#serve(client, route));
    }
  }

  async #serve(client: Deno.TcpConn, route: TcpRoute): Promise<void> {
    let server: Deno.TcpConn | undefined;
    try {
      server = await Deno.connect(route.target());
      this.#connections.add(server);
      if (this.#stopped) return;
      client.setNoDelay(true);
      server.setNoDelay(true);
      const passes = await route.join(client, server);
      if (passes === undefined || this.#stopped) return;
      await Promise.all([
        pump({ from: client, to: server }, passes.toServer),
        pump({ from: server, to: client }, passes.toClient),
      ]);
    } finally {
      route.left?.(client);
      for (const connection of [client, server]) {
        if (connection === undefined) continue;
        this.#connections.delete(connection);
        closeQuietly(connection);
      }
    }
  }
}

/** Writes all of it. */
export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Closes a connection that may be closed already. */
export function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is.
  }
}

async function pump(
  { from, to }: { readonly from: Deno.TcpConn; readonly to: Deno.TcpConn },
  pass: Pass,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const count = await from.read(buffer);
      const goesOn = await pass(to, count === null ? undefined : buffer.subarray(0, count));
      if (count === null || !goesOn) break;
    }
  } finally {
    // Either end closes both: nobody here knows half-closed connections.
    closeQuietly(from);
    closeQuietly(to);
  }
}
