/** One complete server: a node with the protocols its clients speak. `startServer` in server.ts makes it. */

import type { FirstUser } from "../access/first_user.ts";
import type { JoinOptions } from "../node/options.ts";
import type { KeyValueNode } from "../node/api.ts";
import type { AuditFileOptions } from "../observe/audit_file.ts";
import type { Log } from "../observe/log.ts";
import type { PeerTlsOptions } from "./peer_tls.ts";
import type { TlsOptions } from "./tls_service.ts";
import type { BeforeLoginLimits } from "../net/connections_before_login.ts";
import type { LauncherPort } from "../http/launcher_port.ts";
import type { MasterKeys } from "../storage/encryption/master_key.ts";
import type { Member, NodeId } from "../raft/types.ts";
import type { Compression } from "../storage/block_codec.ts";

/** What a server is started with. Every field is decided by the caller; defaults live in the flags table of lib/cli. */
export interface ServerOptions {
  readonly nodeId: NodeId;
  /** Name or address the ports are bound to. */
  readonly host: string;
  /** 0 lets the system choose (tests). */
  readonly clientPort: number;
  /** The port other nodes dial, as the member list says. */
  readonly peerPort: number;
  /** The port bound for peers; another one than `peerPort` where a forwarder stands before this node. */
  readonly peerBindPort: number;
  /** 0 lets the system choose (tests). */
  readonly httpPort: number;
  /** The initial configuration: every server with the address of its peer port and of its client port. */
  readonly members: readonly Member[];
  /** Addresses of peer ports to ask who is there, while some node is not reached. */
  readonly seeds?: readonly string[];
  /** The node joins a cluster that exists (`--join`). */
  readonly join?: JoinOptions;
  /** `host:port` of its HTTP as others reach it, where that is another than it listens on. */
  readonly advertisedHttp?: string;
  /** Undefined takes the id that an existing directory holds, and derives one from `members` for a new directory. */
  readonly clusterId: string | undefined;
  readonly dataDirectory: string;
  /** The directory is empty and shall be admitted again under its old id (`--new-identity`). */
  readonly newIdentity: boolean;
  /** TLS for clients; left out where they come as they are. */
  readonly tls?: TlsOptions;
  /** TLS with other nodes; left out where frames go as they are. */
  readonly peerTls?: PeerTlsOptions;
  /** Secret of the cluster; undefined for the one that the nodes of this user on this machine share, and with `peerTls` for none. */
  readonly clusterSecret: string | undefined;
  /** What counts as the secret as well, while a cluster changes from one to another; left out where nothing else does. */
  readonly previously?: { readonly clusterSecret: string | undefined };
  /**
   * What becomes of clients while no user is known. `ServeEverybody`, also where it is left out: they may do everything. `ServeNobody`: they
   * wait for one. `DoNotStart`: the same, and the start ends where the directory, or the lack of one, tells of none.
   */
  readonly withoutUsers?: "ServeEverybody" | "ServeNobody" | "DoNotStart";
  /** The file of the audit log and how it is replaced; left out for none. */
  readonly audit?: Pick<AuditFileOptions, "path" | "bytesMax" | "filesMax">;
  /** The first user of the cluster, as long as it has none; left out for none. Until there is a user nobody comes in. */
  readonly firstUser?: FirstUser;
  /** The keys by which the data directory is encrypted; undefined for none. */
  readonly masterKeys?: MasterKeys | undefined;
  /** A snapshot is taken after so many entries since the last one. */
  readonly snapshotEntries: number;
  /** A snapshot is taken after so many bytes of log since the last one. */
  readonly snapshotBytes: number;
  /** How snapshots are compressed where every member reads that (`--compression`); "off" when left out. */
  readonly compression?: Compression;
  /** How fast the directory is read once more, to find what has rotted (`--scrub-bytes-per-second`); never when left out. */
  readonly scrubBytesPerSecond?: number;
  /** Entries whose changes are remembered; the usual number when left out (`--history-entries`). */
  readonly historyEntries?: number;
  /** Bytes of them at most; the usual number when left out (`--history-bytes`). */
  readonly historyBytes?: number;
  /** Above so many bytes of state, log and queues writes that add are refused; undefined for any number. */
  readonly memoryLimitBytes: number | undefined;
  /** Election timeout in ms, shortest; the longest is twice that. */
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** How long a write or read may wait before its client hears the outcome is unknown, in ms. */
  readonly requestTimeoutMs: number;
  readonly clientConnectionsMax: number;
  /** Connections on which nobody has logged in (`--max-connections-before-login` and the flags beside it); the usual limits when left out. */
  readonly beforeLogin?: BeforeLoginLimits;
  /** How long a client may take over sending one request, in ms (`--receive-timeout-ms`). */
  readonly receiveTimeoutMs: number;
  /** Requests a second that a user may send to this node over all connections; left out for any number (`--user-requests-per-second`). */
  readonly userRequestsPerSecond?: number | undefined;
  /** The same for each connection (`--connection-requests-per-second`). */
  readonly connectionRequestsPerSecond?: number | undefined;
  /** Redis clients are told to go to the leader themselves, as in Redis Cluster (`--cluster-mode`). */
  readonly clusterMode: boolean;
  /** Longest key of a Redis client in bytes. */
  readonly keyBytesMax: number;
  /** Longest value of a Redis client in bytes. */
  readonly valueBytesMax: number;
  /** A command of a Redis client that takes so long is entered into the slow log, in ms. */
  readonly slowCommandMs: number;
  /** Never syncs: a power loss may lose acknowledged writes. */
  readonly unsafeNoFsync: boolean;
  /** The way to the launcher that started this server; left out where none did. */
  readonly launcher?: LauncherPort;
  /** By what that launcher is let in where clients have to log in; see `LAUNCHER_SECRET_VARIABLE`. */
  readonly launcherSecret?: string | undefined;
  readonly log: Log;
}

/** A server that runs. */
export interface RunningServer {
  readonly node: KeyValueNode;
  /** `host:port` as bound. */
  readonly clientAddress: string;
  readonly peerAddress: string;
  readonly httpAddress: string;
  /**
   * Hands leadership over, lets open requests finish or fail cleanly, closes everything. At most 5 s.
   */
  stop(): Promise<void>;
  /** Resolves when the server can't go on: `DiskFailureError` (exit 75), `CorruptionError` (exit 74) or a bug. */
  readonly failed: Promise<Error>;
  /** Looks whether the certificates for clients and for peers have changed; nothing to do without one. */
  reload(): void;
  /** Cuts this server off from all others, or lets it come back; clients still reach it. */
  isolate(isolated: boolean): void;
}
