/** What becomes of clients while a cluster has no users: beyond this machine nobody is served unawares. */

import type { ServerOptions } from "../cluster/server_types.ts";
import { isLoopback } from "./peers.ts";
import type { Settings } from "./settings.ts";

/** What decides it, beside the flags that accept the risk. */
export interface ClientAccess extends Pick<ServerOptions, "host" | "tls"> {
  readonly clientPort?: number;
  readonly httpPort?: number;
  readonly firstUser?: ServerOptions["firstUser"] | undefined;
}

/** How clients are treated without users, and whether the node starts. The first user may be given, see `readFirstUser`. */
export function withoutUsers(
  settings: Settings,
  node: ClientAccess,
): NonNullable<ServerOptions["withoutUsers"]> {
  if (node.firstUser !== undefined) return "ServeNobody";
  if (!isOpenToOthers(node) || isAccepted(settings)) return "ServeEverybody";
  // Of the cluster that it comes to such a node knows nothing yet, not even at a second start that follows an early end.
  const comesToOthers = settings.given("join") !== undefined || settings.enabled("new-identity");
  return comesToOthers ? "ServeNobody" : "DoNotStart";
}

/** A line for the log of a node that knows of no user and serves other machines all the same, or refuses them; undefined for neither. */
export function warnOfClients(
  options: ClientAccess & Pick<ServerOptions, "withoutUsers">,
): string | undefined {
  if (options.firstUser !== undefined) return undefined;
  if (options.withoutUsers === "ServeNobody") {
    return "Clients are refused until this node learns of a user of the cluster, which kvstore user add makes through another node; " +
      "--insecure-clients lets everybody in";
  }
  if (!isOpenToOthers(options)) return undefined;
  return `Whoever reaches ${options.host} may do everything: there are no users, and --insecure-clients was given`;
}

/** Whether other machines reach a port that asks for no certificate. */
function isOpenToOthers({ host, clientPort, httpPort, tls }: ClientAccess): boolean {
  if (isLoopback(host)) return false;
  return tls?.clientAuthorities === undefined || tls.clientPort !== clientPort || tls.httpPort !== httpPort;
}

function isAccepted(settings: Settings): boolean {
  return settings.enabled("insecure-clients") || settings.enabled("insecure");
}
