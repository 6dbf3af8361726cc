/** Starts one complete server in this process: node, peer transport and the protocols of its clients. */

import { assert } from "../base/assert.ts";
import { FirstUserProposer } from "../access/first_user.ts";
import { RequestRates } from "../access/request_rates.ts";
import { Gate } from "../access/gate.ts";
import type { Clock } from "../base/clock.ts";
import type { Trust } from "../base/dial.ts";
import type { Node } from "../node/node.ts";
import type { SelfCheckPeriods } from "../node/options.ts";
import { startNode } from "../node/start_node.ts";
import { SystemClock } from "../node/clock/system_clock.ts";
import { withFields } from "../observe/log.ts";
import { type Audit, AuditRecorder, NO_AUDIT } from "../observe/audit.ts";
import { AuditFile } from "../observe/audit_file.ts";
import { Registry } from "../observe/metrics.ts";
import { changeMemberAnywhere } from "../http/member_proxy.ts";
import { type ClientListener, startClientListener } from "../protocol/client_listener.ts";
import type { HttpHandler } from "../http/http.ts";
import { type HttpListener, startHttpListener } from "../http/listener.ts";
import { httpLoginsOf } from "../http/logins.ts";
import { Happenings } from "../http/live/happenings.ts";
import type { HttpTimes } from "../http/server/limits.ts";
import { routesWith } from "../http/routes.ts";
import { loginPage } from "../dashboard/login_page.ts";
import { DASHBOARD_ROUTES } from "../dashboard/routes.ts";
import { makeHttpService } from "../http/service.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import type { Disk } from "../storage/disk.ts";
import { EncryptedDisk } from "../storage/encryption/encrypted_disk.ts";
import type { Secrets } from "../transport/credentials.ts";
import { TcpTransport } from "../transport/tcp_transport.ts";
import { passSecrets, secretsOf } from "./cluster_secret.ts";
import { descriptorLimit } from "./descriptor_limit.ts";
import { closeDataDirectory } from "./private_directories.ts";
import { openPeerTls, type PeerTls } from "./peer_tls.ts";
import { randomNumber } from "./random_number.ts";
import type { RunningServer, ServerOptions } from "./server_types.ts";
import { openTls, type TlsService } from "./tls_service.ts";
import { UnsyncedDisk } from "./unsynced_disk.ts";

/** File descriptors kept for peers, log, snapshots and the runtime itself. */
const RESERVED_DESCRIPTORS = 64;
/** The client port and the HTTP port share what the system leaves. */
const CLIENT_PORTS = 2;
/** Client connections that are accepted even where descriptors are scarce. */
const CONNECTIONS_MIN = 16;
/** How long the client listener may take to end its connections. */
const CLOSE_CLIENTS_MS = 500;

/** What a server runs on, where that is not the machine itself; for tests of faults. */
export interface ServerGround {
  /** The disk under `--unsafe-no-fsync` too; the real one when left out. */
  readonly disk?: Disk;
  /** Size of a log segment in bytes. */
  readonly segmentBytes?: number;
  /** Periods of the self-check other than the usual ones. */
  readonly selfCheck?: SelfCheckPeriods;
  /** Deadlines of the HTTP port other than the usual ones. */
  readonly httpTimes?: Partial<HttpTimes>;
}

/**
 * Starts a server; resolves once its ports are bound. It may take a while longer to find a leader.
 *
 * Rejects with `DirectoryLockedError`, `CorruptionError`, `IncompatibleError`, `AccessError`, `AuditFileError`, `UsersRequiredError`, or the
 * system's error for a port that is taken; then nothing is left open.
 */
export async function startServer(options: ServerOptions, ground: ServerGround = {}): Promise<RunningServer> {
  // Before anything is opened or made.
  const secrets = secretsOf(options);
  const clock = new SystemClock();
  if (options.previously !== undefined) {
    peerLog(options)("warn", "Who has the secret of --previous-cluster-secret-file is a peer too");
  }
  const peerTls = options.peerTls === undefined
    ? undefined
    : openPeerTls(options.peerTls, { nodeId: options.nodeId, clock, log: peerLog(options) });
  const tls = options.tls === undefined ? undefined : openTls(options.tls, {
    clock,
    log: withFields(options.log, { component: "clients" }),
    plain: [options.clientPort, options.httpPort],
  });
  try {
    return await startWithTls(options, { ground, clock, secrets, tls, peerTls });
  } catch (error) {
    tls?.stop();
    peerTls?.stop();
    throw error;
  }
}

interface StartParts {
  readonly ground: ServerGround;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly tls: TlsService | undefined;
  readonly peerTls: PeerTls | undefined;
}

function peerLog({ log }: ServerOptions): ServerOptions["log"] {
  return withFields(log, { component: "peers" });
}

async function startWithTls(options: ServerOptions, parts: StartParts): Promise<RunningServer> {
  const { clock } = parts;
  const metrics = new Registry();
  const auditFile = options.audit === undefined
    ? undefined
    : await AuditFile.open({ ...options.audit, clock, metrics, log: withFields(options.log, { component: "audit" }) });
  try {
    return await startWithMetrics(options, { ...parts, metrics, auditFile });
  } catch (error) {
    await auditFile?.close();
    throw error;
  }
}

async function startWithMetrics(
  options: ServerOptions,
  { ground, clock, secrets, tls, peerTls, metrics, auditFile }: StartParts & {
    readonly metrics: Registry;
    readonly auditFile: AuditFile | undefined;
  },
): Promise<RunningServer> {
  const real = ground.disk ?? new DenoDisk();
  const { masterKeys } = options;
  const disk = new EncryptedDisk(options.unsafeNoFsync ? new UnsyncedDisk(real) : real, { masterKeys });
  const { segmentBytes, selfCheck } = ground;
  let transport: TcpTransport | undefined;
  const node = await startNode({
    ...options,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    ...(selfCheck === undefined ? {} : { selfCheck }),
    directory: options.dataDirectory,
    ...(options.withoutUsers === "DoNotStart" ? { usersRequiredAt: options.host } : {}),
    httpAddress: options.httpPort === 0 && options.advertisedHttp === undefined
      ? ""
      : advertisedAddress(options, options.httpPort),
  }, {
    clock,
    disk,
    metrics,
    random: randomNumber,
    wallClockMs: () => Date.now(),
    log: withFields(options.log, { component: "raft" }),
    makeTransport: (greeting) => {
      transport = new TcpTransport({
        clock,
        random: randomNumber,
        greeting,
        listen: { hostname: options.host, port: options.peerBindPort },
        ...secrets,
        security: peerTls,
        seeds: options.seeds ?? [],
        log: peerLog(options),
      });
      return transport;
    },
  });
  peerTls?.start();
  try {
    for (const line of closeDataDirectory(options.dataDirectory)) options.log("warn", line);
    return await serveClients(node, {
      options,
      ground,
      clock,
      secrets: passSecrets(secrets),
      tls,
      peerTls,
      peerPort: transport?.port ?? options.peerBindPort,
      isolate: (isolated) => transport?.isolate(isolated),
      auditFile,
    });
  } catch (error) {
    await node.stop();
    throw error;
  }
}

interface ServeParts {
  readonly options: ServerOptions;
  readonly ground: ServerGround;
  readonly clock: Clock;
  readonly secrets: readonly string[];
  readonly tls: TlsService | undefined;
  readonly peerTls: PeerTls | undefined;
  readonly peerPort: number;
  readonly auditFile: AuditFile | undefined;
  isolate(isolated: boolean): void;
}

function auditOf(
  auditFile: AuditFile | undefined,
  { node, clock }: { readonly node: Node; readonly clock: Clock },
): Audit {
  if (auditFile === undefined) return NO_AUDIT;
  const { id, metrics } = node;
  const write = (line: string) => auditFile.write(line);
  return new AuditRecorder({ node: id, clock, dateMs: () => Date.now(), write, metrics });
}

async function serveClients(
  node: Node,
  { options, ground, clock, secrets, tls, peerTls, peerPort, isolate, auditFile }: ServeParts,
): Promise<RunningServer> {
  const connectionsMax = connectionsMaxOf(options);
  const happenings = new Happenings({ node, clock });
  const { firstUser, withoutUsers = firstUser === undefined ? "ServeEverybody" : "ServeNobody" } = options;
  const access = withFields(options.log, { component: "access" });
  const gate = new Gate({
    ...{ node, clock, secret: secrets[0] ?? "", otherSecrets: secrets.slice(1), log: access },
    ...{ launcherSecret: options.launcherSecret, dateMs: () => Date.now() },
    audit: auditOf(auditFile, { node, clock }),
    awaitsUsers: withoutUsers !== "ServeEverybody",
  });
  const { userRequestsPerSecond, connectionRequestsPerSecond } = options;
  const rates = new RequestRates({ userRequestsPerSecond, connectionRequestsPerSecond }, node);
  const proposer = new FirstUserProposer(node, { clock, log: access, audit: gate.audit });
  const http = startHttp(node, { options, ground, clock, gate, rates, tls, connectionsMax, happenings });
  const listener = await orStop(http, () =>
    startClientListener({
      node,
      changeMember: (change, login) => {
        const https = membersHttps(options, tls);
        return changeMemberAnywhere({ node, gate, clock, login, log: options.log, https }, change);
      },
      gate,
      rates,
      clock,
      hostname: options.host,
      port: options.clientPort,
      tls: tls?.clients,
      connectionsMax,
      beforeLogin: options.beforeLogin,
      httpPort: http.port,
      httpsPort: tls?.http?.port,
      clusterMode: options.clusterMode,
      receiveTimeoutMs: options.receiveTimeoutMs,
      keyBytesMax: options.keyBytesMax,
      valueBytesMax: options.valueBytesMax,
      slowCommandMs: options.slowCommandMs,
      log: withFields(options.log, { component: "clients" }),
    }));
  happenings.start();
  if (firstUser !== undefined) proposer.start(firstUser).catch((error) => node.failWith(error));
  let stopping: Promise<void> | undefined;
  return {
    node,
    clientAddress: `${options.host}:${listener.port}`,
    peerAddress: `${options.host}:${peerPort}`,
    httpAddress: `${options.host}:${http.port}`,
    failed: node.failed,
    isolate,
    reload: () => {
      tls?.reload();
      peerTls?.reload();
    },
    stop: () => {
      stopping ??= (async () => {
        happenings.stop();
        proposer.stop();
        tls?.stop();
        peerTls?.stop();
        await node.drain();
        await Promise.all([listener.stop(CLOSE_CLIENTS_MS), http.stop(CLOSE_CLIENTS_MS)]);
        await Promise.all([node.stop(), tls?.closed(), auditFile?.close()]);
      })();
      return stopping;
    },
  };
}

/** The listener that `start` makes; when it throws, the HTTP port is closed again. */
async function orStop(http: HttpListener, start: () => ClientListener): Promise<ClientListener> {
  try {
    return start();
  } catch (error) {
    await http.stop(0);
    throw error;
  }
}

interface HttpParts {
  readonly options: ServerOptions;
  readonly ground: ServerGround;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly rates: RequestRates;
  readonly tls: TlsService | undefined;
  readonly connectionsMax: number;
  readonly happenings: Happenings;
}

function startHttp(node: Node, parts: HttpParts): HttpListener {
  const { options, ground, clock, gate, rates, tls, connectionsMax, happenings } = parts;
  const { host } = options;
  const log = withFields(options.log, { component: "http" });
  const late: { service?: HttpHandler } = {};
  const handler = (): HttpHandler => {
    assert(late.service !== undefined, "Cannot answer over HTTP: the service is made in the turn that opens the port");
    return late.service;
  };
  const listener = startHttpListener({
    hostname: host,
    port: options.httpPort,
    tls: tls?.http,
    // The routes know the address of their port, which the system may have chosen.
    handler: {
      judge: (head) => handler().judge(head),
      handle: (request) => handler().handle(request),
      refused: (reply) => handler().refused?.(reply) ?? reply,
    },
    logins: httpLoginsOf(gate),
    clock,
    rates,
    metrics: node.metrics,
    log,
    connectionsMax,
    beforeLogin: options.beforeLogin,
    times: ground.httpTimes ?? {},
  });
  late.service = makeHttpService({
    node,
    gate,
    clock,
    log,
    keyBytesMax: options.keyBytesMax,
    valueBytesMax: options.valueBytesMax,
    httpAddress: advertisedAddress(options, listener.port),
    https: membersHttps(options, tls),
    happenings,
    launcher: options.launcher,
    routes: routesWith(DASHBOARD_ROUTES),
    loginPage,
  });
  const stop = (graceMs: number) => {
    gate.webSessions.stop();
    return listener.stop(graceMs);
  };
  return { ...listener, stop };
}

/** The HTTP port of this node at the host by which the other nodes know it, or what the operator said. */
function advertisedAddress({ host, nodeId, members, advertisedHttp }: ServerOptions, port: number): string {
  if (advertisedHttp !== undefined) return advertisedHttp;
  const own = members.find((member) => member.id === nodeId)?.clientAddress ?? "";
  const colon = own.lastIndexOf(":");
  return `${colon > 0 ? own.slice(0, colon) : host}:${port}`;
}

/** Members are taken to do as this one does: where it tells them of its HTTPS port, so do they. */
function membersHttps(options: ServerOptions, tls: TlsService | undefined): Trust | undefined {
  const told = advertisedAddress(options, options.httpPort);
  return tls?.http !== undefined && told.endsWith(`:${tls.http.port}`) ? tls.members : undefined;
}

/** The operator's limit for each port, or what the system's limit on file descriptors leaves, whichever is lower. */
function connectionsMaxOf(options: ServerOptions): number {
  const available = Math.floor((descriptorLimit() - RESERVED_DESCRIPTORS) / CLIENT_PORTS);
  if (available >= options.clientConnectionsMax) return options.clientConnectionsMax;
  const limit = Math.max(CONNECTIONS_MIN, available);
  options.log("info", `At most ${limit} connections of each kind: the system allows ${descriptorLimit()} open files`);
  return limit;
}
