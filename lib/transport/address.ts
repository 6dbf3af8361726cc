/** Reads `host:port` addresses. */

/** From a client port to the peer port of a node that is not told another one, as in Redis Cluster. */
export const PEER_PORT_OFFSET = 10_000;

/** Where to listen or connect to. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** Reads `host:port` or `[v6]:port`, the port 1 to 65535; undefined for anything else. */
export function parseAddress(address: string): Endpoint | undefined {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, Math.max(colon, 0));
  const digits = address.slice(colon + 1);
  if (!/^[0-9]{1,5}$/.test(digits)) return undefined;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (host.startsWith("[") && host.endsWith("]")) {
    const hostname = host.slice(1, -1);
    return hostname.includes(":") ? { hostname, port } : undefined;
  }
  return host === "" || host.includes(":") ? undefined : { hostname: host, port };
}
