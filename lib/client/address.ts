/** Addresses of servers: `host:port`, `[ipv6]:port`. */

/** Where a server listens for clients. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;

/** Reads `host:port` or `[ipv6]:port`; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const end = text.lastIndexOf(":");
  const digits = text.slice(end + 1);
  const host = text.startsWith("[") && text[end - 1] === "]" ? text.slice(1, end - 1) : text.slice(0, Math.max(end, 0));
  const port = Number(digits);
  const isHost = host !== "" && !/[\s[\]/]/.test(host) && (text.startsWith("[") || !host.includes(":"));
  if (!isHost || !/^\d{1,5}$/.test(digits) || port < 1 || port > PORT_MAX) return undefined;
  return { host, port };
}

/** The address as `parseAddress` reads it. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
