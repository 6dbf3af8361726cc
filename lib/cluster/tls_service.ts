/** TLS for the clients of one server: which certificate, on which ports, and what happens when its files change. */

import type { Clock } from "../base/clock.ts";
import type { Trust } from "../base/dial.ts";
import type { TlsDoor } from "../net/client_socket.ts";
import type { Log } from "../observe/log.ts";
import { CertificateError } from "../tls/errors.ts";
import { readAuthorities } from "../tls/files.ts";
import { loadPair, type PairPaths, PairWatch } from "../tls/pair_files.ts";
import { TlsTerminator, whyNoTls } from "../tls/terminator.ts";

/** What `--tls-cert` and the flags around it say. A port that is the plain one too speaks TLS only. */
export interface TlsOptions {
  readonly paths: PairPaths;
  readonly clientPort: number | undefined;
  readonly httpPort: number | undefined;
  /** A file of CAs by which members are believed when requests are passed on over HTTPS; undefined for those that the runtime trusts. */
  readonly ca?: string | undefined;
}

/** What a server needs of it. */
export interface TlsService {
  readonly clients: TlsDoor | undefined;
  readonly http: TlsDoor | undefined;
  /** Whom to believe among the members. */
  readonly members: Trust;
  /** Looks at the files at once; without it they are looked at every second. */
  reload(): void;
  /** Looks at the files no more. */
  stop(): void;
  /** Resolves once the clients whose connections were closed know it; some seconds later at the latest. */
  closed(): Promise<void>;
}

/** Reads the certificate and begins to watch its files. Throws `CertificateError` when it cannot be used. */
export function openTls(
  { paths, clientPort, httpPort, ca }: TlsOptions,
  { clock, log, denoVersion = Deno.version.deno }: {
    readonly clock: Clock;
    readonly log: Log;
    readonly denoVersion?: string;
  },
): TlsService {
  const missing = whyNoTls(denoVersion);
  if (missing !== undefined) throw new CertificateError(missing);
  const wallClockMs = () => Date.now();
  const watch = new PairWatch({
    paths,
    clock,
    wallClockMs,
    changed: ({ context, shown }) => {
      tls.use(context);
      log("info", `A new certificate for clients, for connections from now on: ${shown}`);
    },
    failed: (why) => log("warn", `The certificate for clients stays the one of before: ${why}`),
  });
  const { context, shown } = loadPair(paths, wallClockMs());
  const members = { caCerts: ca === undefined ? [] : [readAuthorities(ca)], serverName: undefined };
  const tls = new TlsTerminator(context, clock);
  const ports = [clientPort, httpPort].filter((port) => port !== undefined).join(" and ");
  log("info", `TLS for clients on port ${ports}: ${shown}`);
  watch.start();
  const doorAt = (port: number | undefined) => port === undefined ? undefined : { port, tls };
  return {
    clients: doorAt(clientPort),
    http: doorAt(httpPort),
    members,
    reload: () => watch.check(),
    stop: () => watch.stop(),
    closed: () => tls.closed(),
  };
}
