/** The error classes that cross layers, matched by class and never by text. */

/** What failed, and with which error of the system. */
export interface FailedOperation {
  readonly operation: string;
  readonly cause: unknown;
}

function describe(file: string, { operation, cause }: FailedOperation): string {
  return `Cannot ${operation} ${file}: ${cause instanceof Error ? cause.message : String(cause)}`;
}

/** Bytes on disk that cannot be what was written. Carries the file and the byte offset of the damage. */
export class CorruptionError extends Error {
  override readonly name = "CorruptionError";
  readonly offset: number;
  readonly what: string;

  /** Says that `file` holds `what` at `offset`. */
  constructor(readonly file: string, damage: { readonly offset: number; readonly what: string }) {
    super(`Damaged data in ${file} at offset ${damage.offset}: ${damage.what}`);
    this.offset = damage.offset;
    this.what = damage.what;
  }
}

/** A write or sync that failed. Final for the process (exit code 75): never retried. */
export class DiskFailureError extends Error {
  override readonly name = "DiskFailureError";
  readonly operation: string;

  /** Says that `operation` failed on `file`, and why. */
  constructor(readonly file: string, failure: FailedOperation) {
    super(describe(file, failure), { cause: failure.cause });
    this.operation = failure.operation;
  }
}

/** The disk has no room. Nothing of the refused operation took effect. */
export class NoSpaceError extends Error {
  override readonly name = "NoSpaceError";
  constructor(readonly file: string) {
    super(`No space left on the disk for ${file}`);
  }
}

/** A state that would take more memory than this node may use (exit code 78). Nothing of it was loaded. */
export class MemoryLimitError extends Error {
  override readonly name = "MemoryLimitError";

  /** Says that `what` does not fit. */
  constructor(what: string, limitBytes: number) {
    const limit = `${(limitBytes / 2 ** 20).toFixed(1)} MiB`;
    super(`Cannot load ${what}: it does not fit into the memory limit of ${limit}; raise --memory-limit`);
  }
}

/** The data directory is held by another process. */
export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
  constructor(readonly directory: string) {
    super(`Data directory ${directory} is in use by another process`);
  }
}

/** Files of another node or cluster. */
export class IncompatibleError extends Error {
  override readonly name = "IncompatibleError";
}

/** A version as a file tells it, beside the one that this program reads. */
export interface FoundVersion {
  readonly version: number;
  readonly known: number;
  /** What in the file has the version, as "the record at offset 64"; the file itself when left out. */
  readonly part?: string;
  /** What is said in the place of versions, where they are not what the program lacks. */
  readonly reason?: string;
}

/** This node was removed from a cluster for good, and cannot be a part of it any more (exit code 76). */
export class RemovedError extends Error {
  override readonly name = "RemovedError";

  /** Says which node and directory, and how to come back. `isOwn`: the directory belongs to that cluster. */
  constructor(nodeId: number, { directory, isOwn }: { readonly directory: string; readonly isOwn: boolean }) {
    super(
      isOwn
        ? `Node ${nodeId} was removed from the cluster; to let this machine join again, start it with --join, another id and an ` +
          `empty directory (${directory} may be deleted)`
        : `Node ${nodeId} was removed from the cluster that it asked, and ${directory} holds nothing of it: see whether the ` +
          "right cluster answers at its addresses; to join this one, start it with --join, another id and an empty directory",
    );
  }
}

const CERTIFICATES_HELP = "or ask clients for certificates on ports for TLS alone (--tls-client-ca), ";

/** A node that would let in whoever reaches it, since it knows of no user, was not told that this is meant (exit code 2). */
export class UsersRequiredError extends Error {
  override readonly name = "UsersRequiredError";

  /** `host` is the address that other machines reach; a local cluster asks its clients for no certificates. */
  constructor(host: string, { isLocalCluster = false }: { readonly isLocalCluster?: boolean } = {}) {
    super(
      `--host ${host} is reachable from other machines, and this node knows of no user: whoever reaches it could do everything; give ` +
        `--bootstrap-user-file FILE (name:password), ${
          isLocalCluster ? "" : CERTIFICATES_HELP
        }or let everybody in with --insecure-clients`,
    );
  }
}

/** Data that another version of this program wrote: not damaged, and not to be discarded (exit code 77). */
export class FormatVersionError extends Error {
  override readonly name = "FormatVersionError";
  readonly version: number;
  readonly known: number;

  /** Says which version `file` has, and which one this program reads. */
  constructor(readonly file: string, { version, known, part, reason }: FoundVersion) {
    const whose = part === undefined ? "its format version" : `the format version of ${part}`;
    super(`Cannot read ${file}: ${reason ?? `${whose} is ${version}, and this program reads version ${known}`}`);
    this.version = version;
    this.known = known;
  }
}

/** The operating system refused an ordinary operation (permissions, missing directory) before anything changed. */
export class AccessError extends Error {
  override readonly name = "AccessError";
  readonly operation: string;

  /** Says that `operation` failed on `file`, and why. */
  constructor(readonly file: string, failure: FailedOperation) {
    super(describe(file, failure), { cause: failure.cause });
    this.operation = failure.operation;
  }
}

/** A master key that is missing, cannot be had, or is not the one that the data was encrypted under. Nothing was changed. */
export class MasterKeyError extends Error {
  override readonly name = "MasterKeyError";
}
