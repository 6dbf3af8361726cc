/** Connections to servers: as they are, or with TLS and the server's certificate verified. */

import { HangingDials } from "./hanging_dials.ts";

/** Whom to believe in a handshake. */
export interface Trust {
  /** Certificates of CAs, as PEM texts, beside those that the runtime trusts by itself. */
  readonly caCerts: readonly string[];
  /** A name that the server's certificate has; undefined for the host by which the server is reached. */
  readonly serverName: string | undefined;
  /** What is shown to a server that asks for a certificate; left out for none. It goes with no `serverName`. */
  readonly identity?: Identity | undefined;
}

/** A certificate, with those between it and its CA behind it, and its key, in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Why a server is not spoken to with TLS. `NoTls`: it speaks none, or none that fits. */
export type TlsProblem = "UnknownIssuer" | "Expired" | "NotYetValid" | "WrongName" | "NoTls" | "Failed";

/** There is no TLS with that server; nothing was sent to it but the beginning of a handshake. */
export class TlsError extends Error {
  override readonly name = "TlsError";

  /** Says of which server, and in words what is wrong. */
  constructor(readonly problem: TlsProblem, address: string, { words, cause }: { words: string; cause?: unknown }) {
    super(`No TLS with ${address}: ${words}`, { cause });
  }
}

/** How to connect. */
export interface DialOptions {
  /** Undefined for no TLS. */
  readonly trust?: Trust | undefined;
  /** Of the process; replaceable for tests. */
  readonly hanging?: HangingDials;
}

const HANGING = new HangingDials();

/** What is recognised in the words of Deno, which have no other form, and in the codes of Node. */
const PROBLEMS: readonly (readonly [pattern: RegExp, problem: TlsProblem, words: string])[] = [
  [
    /UnknownIssuer|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT/,
    "UnknownIssuer",
    "its certificate is signed by no CA that is trusted here",
  ],
  [/certificate expired|CERT_HAS_EXPIRED/, "Expired", "its certificate has expired"],
  [/certificate not valid yet|CERT_NOT_YET_VALID/, "NotYetValid", "its certificate is not valid yet"],
  [/certificate not valid for name|ERR_TLS_CERT_ALTNAME_INVALID/, "WrongName", "its certificate has other names"],
  // A plain port of ours answers a handshake with this alert, those of others with whatever they speak.
  [
    /InvalidContentType|alert: HandshakeFailure|ERR_SSL_WRONG_VERSION_NUMBER|ALERT_HANDSHAKE_FAILURE/,
    "NoTls",
    "it speaks no TLS there",
  ],
];

/**
 * Connects, without delaying small packets. Rejects with the system's error when there is no connection, and with `TlsError` when
 * there is no TLS on it. A handshake has no deadline of its own and cannot be ended before the server does: Deno completes it, whoever has closed.
 * Where too many hang already it rejects with `TimedOut`, and connects to nobody.
 */
export async function dial(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  { trust, hanging = HANGING }: DialOptions = {},
): Promise<Deno.Conn> {
  if (trust !== undefined && hanging.isFull(`${hostname}:${port}`)) {
    throw new Deno.errors.TimedOut(`${hostname}:${port} does not go on with handshakes of TLS that have begun`);
  }
  if (trust?.identity !== undefined) return await secureAs(trust.identity, { trust, hostname, port, hanging });
  // Of the addresses of a name only the first is tried; that of localhost may be ::1, where nodes do not listen.
  const host = trust !== undefined && hostname === "localhost" ? "127.0.0.1" : hostname;
  const tcp = await Deno.connect({ hostname: host, port });
  // Before TLS: there it cannot be set, and each first reply would wait for the delayed acknowledgement, 40 ms.
  tcp.setNoDelay(true);
  if (trust === undefined) return tcp;
  // Of a machine that was lost no end would ever be heard.
  tcp.setKeepAlive(true);
  return await secure(tcp, { trust, hostname, port, hanging });
}

interface Handshake {
  readonly trust: Trust;
  readonly hostname: string;
  readonly port: number;
  readonly hanging: HangingDials;
}

async function secure(tcp: Deno.TcpConn, { trust, hostname, port, hanging }: Handshake): Promise<Deno.TlsConn> {
  const name = trust.serverName ?? hostname;
  let open: Deno.Conn = tcp;
  try {
    const tls = await Deno.startTls(tcp, { hostname: name, caCerts: [...trust.caCerts] });
    open = tls;
    const handshake = tls.handshake();
    hanging.enter(`${hostname}:${port}`, handshake);
    await handshake;
    return tls;
  } catch (error) {
    closeQuietly(open);
    throw tlsError(error, { address: `${hostname}:${port}`, name });
  }
}

/**
 * Deno shows a certificate only where it connects by itself. So the server's certificate is to have the name that is connected to,
 * and the first reply may be late by a delayed acknowledgement, 40 ms.
 */
async function secureAs(
  { cert, key }: Identity,
  { trust, hostname, port, hanging }: Handshake,
): Promise<Deno.TlsConn> {
  const tls = await Deno.connectTls({ hostname, port, caCerts: [...trust.caCerts], cert, key });
  try {
    const handshake = tls.handshake();
    hanging.enter(`${hostname}:${port}`, handshake);
    await handshake;
    return tls;
  } catch (error) {
    closeQuietly(tls);
    throw tlsError(error, { address: `${hostname}:${port}`, name: hostname });
  }
}

/** Names by which nodes know each other, and nobody reaches them. */
const OF_PEERS = /\.kvstore\.internal$/;

/** What an error of a handshake means; `name` is the one that was asked for. */
export function tlsError(
  error: unknown,
  { address, name }: { readonly address: string; readonly name: string },
): TlsError {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? error.code : "";
  const [, problem = "Failed", words = message] = PROBLEMS.find(([pattern]) => pattern.test(`${code} ${message}`)) ??
    [];
  const shown = problem === "WrongName" ? `${words} than ${name}${namesIn(message)}` : words;
  return new TlsError(problem, address, { words: shown, cause: error });
}

/** The names of machines and the addresses that the runtime says a certificate is for. */
function namesIn(message: string): string {
  const all = [...message.matchAll(/DnsName\("([^"]*)"\)|IpAddress\(([^)]*)\)|(?:DNS|IP Address):([^,\s]+)/g)];
  const names = all.map(([, dns, ip, node]) => dns ?? ip ?? node ?? "").filter((name) => !OF_PEERS.test(name));
  return names.length === 0 ? "" : `: ${names.join(", ")}`;
}

/** Whether that is the problem of somebody who speaks TLS. */
function isOfCertificate(problem: TlsProblem): boolean {
  return problem !== "NoTls" && problem !== "Failed";
}

/** Whether a server shows within `timeoutMs` that it speaks TLS, whoever it is. Never rejects; false when nobody is there. */
export async function speaksTls(
  endpoint: { readonly hostname: string; readonly port: number },
  timeoutMs: number,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), timeoutMs));
  const spoken = dial(endpoint, { trust: { caCerts: [], serverName: undefined } }).then((connection) => {
    closeQuietly(connection);
    return true;
  }, (error) => error instanceof TlsError && isOfCertificate(error.problem));
  try {
    return await Promise.race([spoken, late]);
  } finally {
    clearTimeout(timer);
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // TLS has taken it over, or its end closed it.
  }
}
