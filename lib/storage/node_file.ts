/** `RaftNode<id>.json`: who the directory belongs to, the term and the vote. One JSON object with its own checksum. */

import { checksum } from "../base/checksum.ts";
import { FormatVersionError, IncompatibleError } from "../base/errors.ts";
import { decodeConfiguration, isClusterId } from "../raft/configuration_codec.ts";
import { type Configuration, type HardState, type NodeId, toTerm } from "../raft/types.ts";
import { canonicalConfiguration } from "./canonical.ts";
import { corruption } from "./damage.ts";
import { isOtherVersion } from "./format_version.ts";
import type { Ownership } from "./storage.ts";

/** Version of the file. */
export const NODE_FILE_FORMAT = 2;
const NODE_FILE_NAME = /^RaftNode(\d+)\.json$/;

/** What the file holds. */
export interface NodeFile {
  readonly ownership: Ownership;
  readonly hardState: HardState;
  readonly initialConfiguration: Configuration;
}

/** The name of the file of `nodeId`. */
export function nodeFileName(nodeId: NodeId): string {
  return `RaftNode${nodeId}.json`;
}

/** The node ids that files in a directory are named after. */
export function nodeIdsOf(names: readonly string[]): readonly NodeId[] {
  return names.flatMap((name) => NODE_FILE_NAME.exec(name)?.[1] ?? []).map(Number);
}

/** The bytes of the file: UTF-8, indented for people. */
export function encodeNodeFile({ ownership, hardState, initialConfiguration }: NodeFile): Uint8Array {
  const content = {
    format: NODE_FILE_FORMAT,
    nodeId: ownership.nodeId,
    clusterName: ownership.clusterName,
    clusterId: hardState.clusterId ?? null,
    identity: ownership.identity,
    currentTerm: hardState.currentTerm,
    votedFor: hardState.votedFor ?? null,
    membership: canonicalConfiguration(initialConfiguration),
  };
  const sealed = { ...content, checksum: checksumOf(content) };
  return new TextEncoder().encode(`${JSON.stringify(sealed, undefined, 2)}\n`);
}

/** Reads the file. Throws `CorruptionError`, or `FormatVersionError` for another format. */
export function decodeNodeFile(bytes: Uint8Array, file: string): NodeFile {
  const { checksum: sum, ...content } = parseObject(bytes, file);
  const { format, nodeId, clusterName, clusterId, identity, currentTerm, votedFor } = content;
  const sealed = sum !== undefined && sum === checksumOfRead(content);
  if (typeof format === "number" && isOtherVersion({ version: format, known: NODE_FILE_FORMAT, sealed })) {
    throw new FormatVersionError(file, { version: format, known: NODE_FILE_FORMAT });
  }
  if (!sealed) throw damaged(file, "the checksum does not match");
  if (typeof format !== "number") throw damaged(file, "the format version is missing");
  const initialConfiguration = decodeConfiguration(content["membership"]);
  if (
    !isCount(nodeId) || typeof clusterName !== "string" || !(clusterId === null || isClusterId(clusterId)) ||
    typeof identity !== "string" || !isCount(currentTerm) ||
    !(votedFor === null || isCount(votedFor)) || initialConfiguration === undefined
  ) throw damaged(file, "a field is missing or has the wrong type");
  return {
    ownership: { nodeId, clusterName, identity },
    hardState: {
      currentTerm: toTerm(currentTerm),
      votedFor: votedFor ?? undefined,
      ...(clusterId === null ? {} : { clusterId }),
    },
    initialConfiguration,
  };
}

/** Throws `IncompatibleError` when the directory belongs to another node or cluster. */
export function checkOwner(found: Ownership, wanted: { nodeId: NodeId; clusterName: string; file: string }): void {
  const { nodeId, clusterName, file } = wanted;
  if (found.nodeId !== nodeId) {
    throw new IncompatibleError(`Cannot use ${file}: it belongs to node ${found.nodeId}, and this is node ${nodeId}`);
  }
  if (clusterName !== "" && found.clusterName !== "" && found.clusterName !== clusterName) {
    throw new IncompatibleError(
      `Cannot use ${file}: it belongs to cluster "${found.clusterName}", and this node is of cluster "${clusterName}"`,
    );
  }
}

/** CRC-32 of the compact JSON of everything else, in the order of the file: so it is the same rule for every format. */
function checksumOf(content: Readonly<Record<string, unknown>>): string {
  return checksum(new TextEncoder().encode(JSON.stringify(content))).toString(16).padStart(8, "0");
}

/** Undefined for what is nested deeper than it can be written again: nobody wrote it. */
function checksumOfRead(content: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return checksumOf(content);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parseObject(bytes: Uint8Array, file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw damaged(file, "it is not JSON"); // Why it is not does not matter: it is not what was written.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(file, "it is not an object");
  return value as Readonly<Record<string, unknown>>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function damaged(file: string, what: string): Error {
  return corruption({ file, offset: 0, what });
}
