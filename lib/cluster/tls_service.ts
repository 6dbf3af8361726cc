/** TLS for the clients of one server: which certificate, on which ports, and what happens when its files change. */

import type { Clock } from "../base/clock.ts";
import type { Identity, Trust } from "../base/dial.ts";
import type { TlsDoor } from "../net/client_socket.ts";
import type { Log } from "../observe/log.ts";
import { readCertificate } from "../tls/certificate.ts";
import { CertificateError } from "../tls/errors.ts";
import { ClientAuthorities } from "../tls/client_authorities.ts";
import { clientNameIn, type ClientNameKind } from "../tls/client_names.ts";
import { readAuthorities } from "../tls/files.ts";
import { FilesWatch } from "../tls/files_watch.ts";
import { isFor, loadPair, type PairPaths } from "../tls/pair_files.ts";
import { TlsTerminator, whyNoTls } from "../tls/terminator.ts";
import type { Serving } from "../tls/tls_socket.ts";

/** What `--tls-cert` and the flags around it say. A port that is the plain one too speaks TLS only. */
export interface TlsOptions {
  readonly paths: PairPaths;
  /** File of the CAs whose clients are let in; left out where clients need no certificate. */
  readonly clientAuthorities?: string;
  /** By which name in its certificate a client is a user; left out where certificates log nobody in. */
  readonly clientUser?: ClientNameKind;
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

/** What clients are served with, what is told of it, and what this node shows to members that ask for a certificate. */
interface Loaded {
  readonly serving: Serving;
  readonly shown: string;
  readonly identity: Identity | undefined;
}

/** What a server's TLS works with. */
export interface TlsParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The ports that are for clients without TLS, unless TLS is spoken there. */
  readonly plain: readonly number[];
  readonly denoVersion?: string;
}

/** Reads the certificate and begins to watch its files. Throws `CertificateError` when it cannot be used. */
export function openTls(options: TlsOptions, parts: TlsParts): TlsService {
  const { paths, clientAuthorities, clientPort, httpPort, ca } = options;
  const { clock, log, plain, denoVersion = Deno.version.deno } = parts;
  const missing = whyNoTls(denoVersion);
  if (missing !== undefined) throw new CertificateError(missing);
  const wallClockMs = () => Date.now();
  const load = () => loadFiles(options, wallClockMs);
  const watch = new FilesWatch({
    paths: [paths.certificate, paths.key, ...(clientAuthorities === undefined ? [] : [clientAuthorities])],
    clock,
    load,
    changed: (next) => {
      loaded = next;
      tls.use(loaded.serving);
      log("info", `A new certificate for clients, for connections from now on: ${loaded.shown}`);
    },
    failed: (why) => log("warn", `The certificate for clients stays the one of before: ${why}`),
  });
  let loaded = load();
  const members: Trust = {
    caCerts: ca === undefined ? [] : [readAuthorities(ca)],
    serverName: undefined,
    get identity() {
      return loaded.identity;
    },
  };
  const tls = new TlsTerminator(loaded.serving, clock);
  const ports = [clientPort, httpPort].filter((port) => port !== undefined).join(" and ");
  log("info", `TLS for clients on port ${ports}: ${loaded.shown}`);
  const open = plain.filter((port) => port !== clientPort && port !== httpPort).join(" and ");
  if (clientAuthorities !== undefined && open !== "") {
    log("warn", `--tls-client-ca holds for TLS alone: on port ${open} clients need neither TLS nor a certificate`);
  }
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

function loadFiles({ paths, clientAuthorities, clientUser }: TlsOptions, wallClockMs: () => number): Loaded {
  const { context, shown, leaf, certificate: cert, key } = loadPair(paths, wallClockMs());
  if (clientAuthorities === undefined) return { serving: { context }, shown, identity: undefined };
  const clients = new ClientAuthorities(clientAuthorities, wallClockMs());
  const objectionTo = (der: Uint8Array | undefined) => clients.objectionTo(der, wallClockMs());
  const nameIn = clientUser === undefined
    ? undefined
    : (der: Uint8Array) => clientNameIn(readCertificate(der), clientUser);
  return {
    serving: { context, objectionTo, nameIn },
    shown: `${shown}; for clients with a certificate of ${clients.shown}`,
    // Members are taken to do as this one does.
    identity: isFor(leaf, "client") ? { cert, key } : undefined,
  };
}
