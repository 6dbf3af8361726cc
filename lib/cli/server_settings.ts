/** Turns settings into what a server is started with, and refuses those that do not fit together. */

import { checkSecret, ClusterSecretError, readSecretFile } from "../cluster/cluster_secret.ts";
import { defaultMemoryLimit, THIS_MACHINE } from "../cluster/machine_memory.ts";
import type { WantedPort } from "../cluster/ports.ts";
import type { ServerOptions } from "../cluster/server_types.ts";
import type { Log, LogFormat, LogLevel } from "../observe/log.ts";
import type { Member } from "../raft/types.ts";
import { ADDRESS_FORM } from "../node/membership/member_addresses.ts";
import { isAddress } from "../transport/address.ts";
import { withoutUsers } from "./client_access.ts";
import { compressionOf } from "./disk_flags.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./flags.ts";
import { isLoopback, isWildcard, type ResolvedPeers, resolvePeers, showAddress } from "./peers.ts";
import type { Settings } from "./settings.ts";
import { peerTlsOptions, tlsOptions } from "./tls_settings.ts";
import { readFirstUser } from "./credentials.ts";
import { quoteForPeople, UsageError } from "./usage_error.ts";

/** Where nodes keep their data unless told otherwise. */
export const DATA_DIRECTORY = "./kvstore-data";

/** The data directory of one node of a local cluster, or of a single node by default. */
export function nodeDirectory(parent: string, id: number): string {
  return `${parent.replace(/\/+$/, "")}/node-${id}`;
}

const PORT_MAX = 65_535;
/** How far the HTTP port is from the client port, unless told otherwise. */
const HTTP_PORT_OFFSET = 3_000;

/** In place of a file with the previous secret: the nodes were given none. */
const NO_SECRET = "none";

/** The client port's HTTP port; it may be beyond the last port there is. */
export function defaultHttpPort(port: number): number {
  return port + HTTP_PORT_OFFSET;
}

/** Who this node is. Throws `UsageError`. */
export function ownPeers(settings: Settings): ResolvedPeers {
  return resolvePeers(settings.optionalText("peers"), {
    nodeId: settings.optionalInteger("node-id"),
    host: settings.text("host"),
    port: settings.integer("port"),
    portGiven: settings.given("port") !== undefined,
    peerPort: settings.optionalInteger("peer-port"),
  });
}

/** Everything `startServer` needs. Throws `UsageError`. */
export function serverOptions(settings: Settings, log: Log): ServerOptions {
  const { peerTls } = peerTlsOptions(settings);
  checkServerSettings(settings, peerTls === undefined || peerTls.alsoPlain === true ? "plain" : "secured");
  checkJoin(settings);
  if (settings.optionalInteger("peer-port") === settings.integer("port")) throw samePorts(settings.integer("port"));
  const { nodeId, port, peerPort, members } = ownPeers(settings);
  const peerBindPort = settings.optionalInteger("peer-bind-port") ?? peerPort;
  const httpPort = settings.optionalInteger("http-port") ?? defaultHttpPort(port);
  checkPorts({ port, peerPort: peerBindPort, httpPort });
  const clients = { ...tlsOptions(settings, { port, peerPort: peerBindPort, httpPort }), ...firstUserOf(settings) };
  return {
    nodeId,
    host: settings.text("host"),
    clientPort: port,
    peerPort,
    peerBindPort,
    httpPort,
    members: members.map((member) => member.id === nodeId ? advertise(member, settings) : member),
    seeds: members.filter((member) => member.id !== nodeId).map(({ address }) => address),
    ...advertisedHttp(settings),
    ...clients,
    ...(peerTls === undefined ? {} : { peerTls }),
    clusterId: settings.optionalText("cluster-id"),
    dataDirectory: settings.optionalText("data-dir") ?? nodeDirectory(DATA_DIRECTORY, nodeId),
    newIdentity: settings.enabled("new-identity"),
    clusterSecret: ownSecret(settings),
    ...previousSecret(settings),
    withoutUsers: withoutUsers(settings, { ...clients, host: settings.text("host"), clientPort: port, httpPort }),
    ...auditOptions(settings),
    snapshotEntries: settings.integer("snapshot-entries"),
    snapshotBytes: settings.integer("snapshot-bytes"),
    compression: compressionOf(settings.text("compression")),
    scrubBytesPerSecond: settings.integer("scrub-bytes-per-second"),
    historyEntries: settings.integer("history-entries"),
    historyBytes: settings.integer("history-bytes"),
    memoryLimitBytes: settings.optionalInteger("memory-limit") ?? defaultMemoryLimit(THIS_MACHINE, 1),
    electionTimeoutMs: settings.integer("election-timeout-ms"),
    heartbeatMs: settings.integer("heartbeat-ms"),
    requestTimeoutMs: settings.integer("request-timeout-ms"),
    clientConnectionsMax: settings.integer("max-connections"),
    beforeLogin: {
      connectionsMax: settings.optionalInteger("max-connections-before-login"),
      addressConnectionsMax: settings.optionalInteger("max-connections-before-login-of-address"),
      loginTimeoutMs: settings.integer("login-timeout-ms"),
    },
    receiveTimeoutMs: settings.integer("receive-timeout-ms"),
    userRequestsPerSecond: settings.optionalInteger("user-requests-per-second"),
    connectionRequestsPerSecond: settings.optionalInteger("connection-requests-per-second"),
    clusterMode: settings.enabled("cluster-mode"),
    keyBytesMax: settings.integer("max-key-bytes"),
    valueBytesMax: settings.integer("max-value-bytes"),
    slowCommandMs: settings.integer("slow-command-ms"),
    unsafeNoFsync: settings.enabled("unsafe-no-fsync"),
    log,
  };
}

function firstUserOf(settings: Settings): Pick<ServerOptions, "firstUser"> {
  const firstUser = readFirstUser(settings);
  return firstUser === undefined ? {} : { firstUser };
}

function auditOptions(settings: Settings): Pick<ServerOptions, "audit"> {
  const path = settings.optionalText("audit-log");
  if (path === undefined) return {};
  const [bytesMax, filesMax] = [settings.integer("audit-log-bytes"), settings.integer("audit-log-files")];
  return { audit: { path, bytesMax, filesMax } };
}

/** Refuses what does not go with `--join`. Throws `UsageError`. */
function checkJoin(settings: Settings): void {
  if (settings.optionalText("join") === undefined) {
    if (settings.enabled("learner")) throw new UsageError("--learner goes with --join");
    return;
  }
  for (const flag of ["peers", "new-identity"] as const) {
    if (settings.given(flag) !== undefined) throw new UsageError(`--join and --${flag} exclude each other`);
  }
  const host = settings.text("host");
  if (isWildcard(host) && (settings.given("advertise-client") ?? settings.given("advertise-peer")) === undefined) {
    throw new UsageError(
      `Other nodes cannot reach this one at ${host}; give --advertise-client and --advertise-peer as well`,
    );
  }
}

/** What the node says of itself beats what follows from the ports that it listens on. Throws `UsageError`. */
function advertise(own: Member, settings: Settings): Member {
  const address = readAdvertised(settings, "advertise-peer") ?? own.address;
  return { ...own, address, clientAddress: readAdvertised(settings, "advertise-client") ?? own.clientAddress };
}

function advertisedHttp(settings: Settings): Pick<ServerOptions, "advertisedHttp"> {
  const advertised = readAdvertised(settings, "advertise-http");
  return advertised === undefined ? {} : { advertisedHttp: advertised };
}

function readAdvertised(settings: Settings, flag: "advertise-client" | "advertise-peer" | "advertise-http") {
  const text = settings.optionalText(flag);
  if (text === undefined || isAddress(text)) return text;
  throw new UsageError(`--${flag} is ${quoteForPeople(text)}; ${ADDRESS_FORM}`);
}

function checkPorts({ port, peerPort, httpPort }: { port: number; peerPort: number; httpPort: number }): void {
  if (peerPort === port) throw samePorts(port);
  if (httpPort > PORT_MAX) {
    throw new UsageError(
      `Port ${port} leaves no room for its HTTP port (port + ${HTTP_PORT_OFFSET}); ` +
        `take a port up to ${PORT_MAX - HTTP_PORT_OFFSET} or give --http-port`,
    );
  }
  if (httpPort !== port && httpPort !== peerPort) return;
  const [other, flag] = httpPort === port ? ["clients", "--port"] : ["nodes", "--peer-port"];
  throw new UsageError(
    `The port for ${other} and the one for HTTP are both ${httpPort}; change ${flag} or --http-port`,
  );
}

function samePorts(port: number): UsageError {
  return new UsageError(`The port for clients and the one for nodes are both ${port}; change --port or --peer-port`);
}

/** The secret that the operator gave; undefined for the one that the nodes of this user share. Throws `UsageError`. */
export function ownSecret(settings: Settings): string | undefined {
  const given = settings.given("cluster-secret");
  const file = settings.given("cluster-secret-file");
  if (given?.origin === "--cluster-secret") {
    throw new UsageError(
      "--cluster-secret would show the secret to every user of this machine; " +
        "give --cluster-secret-file FILE, or KVSTORE_CLUSTER_SECRET",
    );
  }
  if (given !== undefined && file !== undefined) {
    throw new UsageError(`The cluster secret is given twice, by ${given.origin} and by ${file.origin}; give one`);
  }
  return readAsUsage(() => {
    if (file !== undefined) return readSecretFile(String(file.value));
    return given === undefined ? undefined : checkSecret(String(given.value), given.origin);
  });
}

function readAsUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ClusterSecretError) throw new UsageError(error.message);
    throw error;
  }
}

/** What counts as the secret as well; nothing where no flag says so. Throws `UsageError`. */
function previousSecret(settings: Settings): Pick<ServerOptions, "previously"> {
  const path = settings.optionalText("previous-cluster-secret-file");
  if (path === undefined) return {};
  return { previously: { clusterSecret: path === NO_SECRET ? undefined : readAsUsage(() => readSecretFile(path)) } };
}

/** What holds for a single node and for a local cluster. Throws `UsageError`. */
export function checkServerSettings(settings: Settings, peers: "secured" | "plain" | "local cluster"): void {
  const host = settings.text("host");
  if (!isAddress(showAddress(host, PORT_MAX))) {
    throw new UsageError(
      `--host is ${
        quoteForPeople(host)
      }; a host is an IP address, or a name of letters, digits, dots, hyphens and underscores`,
    );
  }
  if (peers !== "secured" && !isLoopback(host)) checkPlainPeers(settings, peers);
  const [heartbeatMs, electionMs] = [settings.integer("heartbeat-ms"), settings.integer("election-timeout-ms")];
  // Raft 5.6: one lost heartbeat must not cost an election.
  if (heartbeatMs * 2 > electionMs) {
    throw new UsageError(
      `--heartbeat-ms ${heartbeatMs} is more than half of --election-timeout-ms ${electionMs}; ` +
        `the nearest valid one is ${Math.floor(electionMs / 2)}`,
    );
  }
}

/** Where other machines are, nodes need to know each other, and nobody is to read what they send. Throws `UsageError`. */
function checkPlainPeers(settings: Settings, peers: "plain" | "local cluster"): void {
  const host = settings.text("host");
  const secret = ownSecret(settings);
  const isAccepted = settings.enabled("insecure-peers") || settings.enabled("insecure");
  if (isAccepted && secret !== undefined) return;
  const tls = peers === "plain"
    ? "--peer-tls-cert, --peer-tls-key and --peer-tls-ca (kvstore tls init makes them), or "
    : "--tls, or ";
  const [lack, remedy] = secret === undefined
    ? ["the nodes have no secret of their own", "--insecure-peers and --cluster-secret-file (openssl rand -hex 32)"]
    : ["what nodes send each other is not encrypted", "--insecure-peers"];
  throw new UsageError(`--host ${host} is reachable from other machines, and ${lack}; give ${tls}${remedy}`);
}

/** The ports a node listens on, with the flags that change them. */
export function wantedPorts(options: ServerOptions): readonly WantedPort[] {
  const peerFlag = options.peerBindPort === options.peerPort ? "--peer-port" : "--peer-bind-port";
  return [
    { host: options.host, port: options.clientPort, flag: "--port" },
    { host: options.host, port: options.peerBindPort, flag: peerFlag },
    { host: options.host, port: options.httpPort, flag: "--http-port" },
    ...tlsPorts(options),
  ];
}

/** Those that are not the plain ones. */
function tlsPorts({ host, tls, clientPort, httpPort }: ServerOptions): readonly WantedPort[] {
  const all = [[tls?.clientPort, clientPort, "--tls-port"], [tls?.httpPort, httpPort, "--http-tls-port"]] as const;
  return all.flatMap(([port, plain, flag]) => port === undefined || port === plain ? [] : [{ host, port, flag }]);
}

/** The level of `--log-level`. */
export function logLevel(settings: Settings): LogLevel {
  const wanted = settings.text("log-level");
  return LOG_LEVELS.find((level) => level === wanted) ?? "info";
}

/** The format of `--log-format`. */
export function logFormat(settings: Settings): LogFormat {
  const wanted = settings.text("log-format");
  return LOG_FORMATS.find((format) => format === wanted) ?? "text";
}
