/** Reads `host:port` addresses, and says which of them a server may have. */

/** From a client port to the peer port of a node that is not told another one, as in Redis Cluster. */
export const PEER_PORT_OFFSET = 10_000;

/** Longest address of a server: a name of the DNS, a port and what separates them. */
export const ADDRESS_LENGTH_MAX = 262;

/** Nothing that a shell would take for more than a word: people paste commands that name members. `join_command.js` has it too. */
const PLAIN = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]):[0-9]+$/;

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

/** Whether a server may have this address, which is then safe to log, to send in a header and to paste into a shell. */
export function isAddress(text: string): boolean {
  return text.length <= ADDRESS_LENGTH_MAX && PLAIN.test(text) && parseAddress(text) !== undefined;
}
