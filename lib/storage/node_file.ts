/** `RaftNode<id>.json`: who the directory belongs to, the term and the vote. One JSON object with its own checksum. */

import { CorruptionError, FormatVersionError, IncompatibleError } from "../base/errors.ts";
import { decodeConfiguration, isClusterId } from "../raft/configuration_codec.ts";
import { type Configuration, type HardState, type NodeId, toTerm } from "../raft/types.ts";
import { canonicalConfiguration } from "./canonical.ts";
import { type Content, decodeChecked, encodeChecked } from "./checked_json.ts";
import { corruption } from "./damage.ts";
import type { DirectoryKeys } from "./encryption/directory_keys.ts";
import { isOtherVersion } from "./format_version.ts";
import type { Ownership } from "./storage.ts";

/** Version of the file. */
export const NODE_FILE_FORMAT = 2;
/** Version of the file in an encrypted directory, as of segments there: programs that could not authenticate it are to refuse it. */
export const AUTHENTIC_NODE_FILE_FORMAT = 5;
const FORMATS: readonly number[] = [NODE_FILE_FORMAT, AUTHENTIC_NODE_FILE_FORMAT];
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

/** The bytes of the file: UTF-8, indented for people; authenticated by the keys of an encrypted directory. */
export function encodeNodeFile(
  { ownership, hardState, initialConfiguration }: NodeFile,
  keys?: DirectoryKeys,
): Uint8Array {
  const content = {
    format: keys === undefined ? NODE_FILE_FORMAT : AUTHENTIC_NODE_FILE_FORMAT,
    nodeId: ownership.nodeId,
    clusterName: ownership.clusterName,
    clusterId: hardState.clusterId ?? null,
    identity: ownership.identity,
    currentTerm: hardState.currentTerm,
    votedFor: hardState.votedFor ?? null,
    membership: canonicalConfiguration(initialConfiguration),
  };
  return encodeChecked(
    keys === undefined ? content : { ...content, authentication: keys.authenticate(contentBytes(content)) },
  );
}

/**
 * Reads the file. With the keys of an encrypted directory it has to be authentic; without them that is not looked at. Throws
 * `CorruptionError`, or `FormatVersionError` for another format.
 */
export function decodeNodeFile(bytes: Uint8Array, file: string, keys?: DirectoryKeys): NodeFile {
  const { content, sealed } = decodeChecked(bytes, file);
  const { format, nodeId, clusterName, clusterId, identity, currentTerm, votedFor } = content;
  if (typeof format === "number" && FORMATS.every((known) => isOtherVersion({ version: format, known, sealed }))) {
    throw new FormatVersionError(file, { version: format, known: NODE_FILE_FORMAT });
  }
  if (!sealed) throw damaged(file, "the checksum does not match");
  if (keys !== undefined && !isAuthentic(content, keys)) {
    throw damaged(file, "it is not authentic: it was changed, or is of another directory");
  }
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

/** Whether the file has the code of an encrypted directory; whether that is right is not looked at. */
export function isAuthenticated(bytes: Uint8Array, file: string): boolean {
  try {
    return decodeChecked(bytes, file).content["authentication"] !== undefined;
  } catch (error) {
    if (error instanceof CorruptionError) return false;
    throw error;
  }
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

function isAuthentic({ authentication, ...content }: Content, keys: DirectoryKeys): boolean {
  return typeof authentication === "string" && keys.isAuthentic(contentBytes(content), authentication);
}

function contentBytes(content: Content): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(content));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function damaged(file: string, what: string): Error {
  return corruption({ file, offset: 0, what });
}
