/** TLS between the nodes: the certificate of this one, the CAs whose nodes it takes, and what happens when their files change. */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../observe/log.ts";
import type { NodeId } from "../raft/types.ts";
import { BridgedTls } from "../tls/bridged_tls.ts";
import { CertificateError } from "../tls/errors.ts";
import { FilesWatch } from "../tls/files_watch.ts";
import { PeerIdentity, type PeerPaths } from "../tls/peer_identity.ts";
import { contextOf } from "../tls/pair_files.ts";
import { TlsTerminator, whyNoTls } from "../tls/terminator.ts";
import type { Unfit } from "../tls/tls_socket.ts";
import { HangingHandshakes } from "../transport/hanging.ts";
import type { Evidence, Judgement, PeerSecurity, PeerSocket, RawSocket } from "../transport/security.ts";

/** What `--peer-tls-cert` and the flags around it say. */
export interface PeerTlsOptions extends PeerPaths {
  /** Nodes without TLS are taken too, by the secret (`--peer-tls allow`). Left out for false. */
  readonly alsoPlain?: boolean;
}

/** What the certificates of a node are used with. */
export interface PeerTlsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly wallClockMs?: () => number;
  readonly denoVersion?: string;
}

/** The certificates of a running node. */
export class PeerTls implements PeerSecurity {
  readonly #wallClockMs: () => number;
  readonly #watch: FilesWatch<PeerIdentity>;
  /** Undefined on a runtime that cannot put TLS on an accepted socket. */
  readonly #serving: TlsTerminator | undefined;
  /** See `PeerSecurity`. */
  readonly hanging: HangingHandshakes;
  #identity: PeerIdentity;

  /** Reads the files. Throws `CertificateError` when they cannot be used. */
  constructor(
    paths: PeerTlsOptions,
    { clock, log, wallClockMs = () => Date.now(), denoVersion = Deno.version.deno }: PeerTlsParts,
  ) {
    this.#wallClockMs = wallClockMs;
    this.hanging = new HangingHandshakes(clock);
    const load = () => loadIdentity(paths, wallClockMs());
    this.#watch = new FilesWatch({
      paths: [paths.certificate, paths.key, paths.authorities],
      clock,
      load: () => this.#sameNode(load()),
      changed: (identity) => {
        this.#identity = identity;
        this.#serving?.use({ context: contextOf(identity) });
        log("info", `A new certificate or CA for peers, for connections from now on: ${this.shown()}`);
      },
      failed: (why) => log("warn", `The certificate and the CAs for peers stay those of before: ${why}`),
    });
    this.#identity = load();
    const isAble = whyNoTls(denoVersion) === undefined;
    this.#serving = isAble ? new TlsTerminator({ context: contextOf(this.#identity) }, clock) : undefined;
  }

  /** The node that the certificate is for. */
  get nodeId(): NodeId {
    return this.#identity.nodeId;
  }

  /** Begins to look whether the files have changed, every second. */
  start(): void {
    this.#watch.start();
  }

  /** Looks at once. */
  reload(): void {
    this.#watch.check();
  }

  /** Looks no more. */
  stop(): void {
    this.#watch.stop();
  }

  /** See `PeerSecurity`. */
  authorities(): { readonly pem: string; readonly shown: string } {
    return { pem: this.#identity.authorities, shown: this.#identity.trusted };
  }

  /** See `PeerSecurity`. */
  shown(): string {
    return this.#identity.inWords(this.#wallClockMs());
  }

  /** See `PeerSecurity`. */
  hostOf(id: NodeId | undefined): string {
    return this.#identity.hostOf(id);
  }

  /** See `PeerSecurity`. */
  sign(parts: readonly string[]): Evidence {
    return this.#identity.sign(parts);
  }

  /** See `PeerSecurity`. */
  judge(evidence: Evidence, parts: readonly string[]): Judgement {
    return this.#identity.judge(evidence, { parts, now: this.#wallClockMs() });
  }

  #sameNode(after: PeerIdentity): PeerIdentity {
    const before = this.#identity;
    if (after.nodeId === before.nodeId && after.cluster === before.cluster) return after;
    const [its, own] = [after, before].map(({ nodeId, cluster }) => `node ${nodeId} of cluster ${cluster}`);
    throw new CertificateError(`it is of ${its}, and this is ${own} (${after.inWords(this.#wallClockMs())})`);
  }

  /** See `PeerSecurity`. */
  async serve(socket: RawSocket): Promise<PeerSocket> {
    const secured = this.#serving === undefined
      ? await BridgedTls.over(socket, this.#identity)
      : this.#serving.upgrade(socket, UNFIT);
    try {
      await secured.handshake();
      return secured;
    } catch (error) {
      secured.close();
      throw error;
    }
  }
}

/** The transport says it itself, and has seen that it is TLS. */
const UNFIT: Unfit = { warn: () => {}, reply: () => new Uint8Array() };

/** Opens the certificates for a node of that id. Throws `CertificateError`, also for those of another node. */
export function openPeerTls(
  paths: PeerTlsOptions,
  { nodeId, ...parts }: PeerTlsParts & { readonly nodeId: NodeId },
): PeerTls {
  const tls = new PeerTls(paths, parts);
  if (tls.nodeId !== nodeId) {
    throw new CertificateError(
      `Cannot use ${paths.certificate}: it is of node ${tls.nodeId}, and this is node ${nodeId} (${tls.shown()})`,
    );
  }
  parts.log("info", `TLS with other nodes: ${tls.shown()}`);
  if (paths.alsoPlain === true) {
    parts.log(
      "warn",
      "Nodes without TLS are taken too (--peer-tls allow): whoever is on the way can have nodes speak none",
    );
  }
  return tls;
}

/** The id in the certificate, which a node that joins takes. Throws `CertificateError`. */
export function certifiedId(paths: PeerTlsOptions): NodeId {
  return loadIdentity(paths, Date.now()).nodeId;
}

/** Also tries whether the runtime takes the pair: once the port is closed for it, it would be late to find out. */
function loadIdentity(paths: PeerTlsOptions, now: number): PeerIdentity {
  const identity = new PeerIdentity(paths, now);
  const { certificate: cert, key } = identity;
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CertificateError(
      `Cannot use ${paths.certificate}: TLS does not take it: ${why} (${identity.inWords(now)})`,
    );
  }
  return identity;
}
