/** Turns the errors that are expected into one line and an exit code; all others are bugs and keep their trace. */

import {
  AccessError,
  CorruptionError,
  DirectoryLockedError,
  DiskFailureError,
  FormatVersionError,
  IncompatibleError,
  MasterKeyError,
  MemoryLimitError,
  NoSpaceError,
  RemovedError,
  UsersRequiredError,
} from "../base/errors.ts";
import { ClusterSecretError } from "../cluster/cluster_secret.ts";
import { AuditFileError } from "../observe/audit_file.ts";
import { CertificateError } from "../tls/errors.ts";
import { UsageError } from "./usage_error.ts";

/** The exit codes of the program; docs/command-line.md explains them. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  noLeader: 5,
  unknown: 6,
  corrupt: 74,
  diskFailed: 75,
  removed: 76,
  otherVersion: 77,
  memoryLimit: 78,
  interrupted: 130,
} as const;

/** An expected failure that has no class of its own: a port that is taken, a node that cannot be reached. */
export class Failure extends Error {
  override readonly name = "Failure";
  constructor(message: string, readonly exitCode: number = EXIT.failure) {
    super(message);
  }
}

/** What to say about an error, and how to exit. */
export interface FailureDescription {
  readonly line: string;
  readonly exitCode: number;
}

const ORDINARY = [
  AuditFileError,
  CertificateError,
  ClusterSecretError,
  DirectoryLockedError,
  IncompatibleError,
  MasterKeyError,
  AccessError,
  NoSpaceError,
];
const SYSTEM = [
  Deno.errors.AddrInUse,
  Deno.errors.AddrNotAvailable,
  Deno.errors.PermissionDenied,
  Deno.errors.NotFound,
  Deno.errors.NotCapable,
];

/** The line and the exit code of an expected error; undefined for a bug of ours. */
export function describeFailure(error: unknown): FailureDescription | undefined {
  if (error instanceof UsageError || error instanceof UsersRequiredError) {
    return { line: error.message, exitCode: EXIT.usage };
  }
  if (error instanceof Failure) return { line: error.message, exitCode: error.exitCode };
  if (error instanceof CorruptionError) return { line: error.message, exitCode: EXIT.corrupt };
  if (error instanceof FormatVersionError) return { line: error.message, exitCode: EXIT.otherVersion };
  if (error instanceof RemovedError) return { line: error.message, exitCode: EXIT.removed };
  if (error instanceof MemoryLimitError) return { line: error.message, exitCode: EXIT.memoryLimit };
  if (error instanceof DiskFailureError) return { line: error.message, exitCode: EXIT.diskFailed };
  if ([...ORDINARY, ...SYSTEM].some((known) => error instanceof known)) {
    return { line: error instanceof Error ? error.message : String(error), exitCode: EXIT.failure };
  }
  return undefined;
}
