/** Clients of scripted servers. */

import { type Client, connect } from "../../../../lib/client/client.ts";
import type { ConnectOptions } from "../../../../lib/client/options.ts";
import type { FakeStore } from "./fake_store.ts";
import { type Script, ScriptedServer } from "../../../support/resp/scripted_server.ts";

/** A client of the servers, connected, with one connection to each unless `options` say otherwise. */
export function connectTo(
  servers: readonly ScriptedServer[],
  options: Omit<ConnectOptions, "servers"> = {},
): Promise<Client> {
  return connect({
    servers: servers.map((server) => server.address),
    connections: 1,
    timeoutMs: 30_000,
    ...options,
  });
}

/** A server that answers from a store where the script does not. */
export function serverOf(store: FakeStore, script: Script = () => undefined): ScriptedServer {
  return new ScriptedServer((words) => script(words) ?? store.apply(words));
}
