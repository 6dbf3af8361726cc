/** The frames of the transport itself: those of the handshake, the refusal, and the ping with its answer. */

import type { Role } from "../raft/types.ts";
import { MEMBERS_MAX, toIndex, toTerm } from "../raft/types.ts";
import { isAddress } from "./address.ts";
import { asciiJson, type Fields, parseFields } from "./fields.ts";
import type { Evidence } from "./security.ts";
import { CHECKS_HEARD_MAX } from "./limits.ts";
import type { Acquaintance, Greeting, PeerAddress, PeerStatus, StateCheck } from "./transport.ts";
import { agreedVersion, type VersionRange } from "./versions.ts";

/** What one side says of itself in the handshake. */
export interface Introduction {
  readonly greeting: Greeting;
  /** 32 hex digits of the dialer, fresh for each connection; "" from the acceptor, whose number is the challenge. */
  readonly nonce: string;
  /** The node that the dialer means to reach, its own id from the acceptor; left out by a dialer that asks who is there. */
  readonly to?: number;
  /** The dialer has no id yet (that of its greeting means nothing) and wants one. Left out for false. */
  readonly wantsId?: boolean;
  /** Only from an acceptor that was asked who is there. */
  readonly acquaintance?: Acquaintance;
  /** Only from an acceptor: the dialer was removed from the cluster for good. Left out for false. */
  readonly removed?: boolean;
}

/**
 * An introduction as the text that was sent, and the proof that a holder of the secret has said it here and now. In TLS also the
 * evidence that a node with a certificate has.
 */
export interface Statement {
  /** JSON of an `Introduction`. */
  readonly said: string;
  /** 64 hex digits. */
  readonly proof: string;
  /** Of a dialer with two secrets, of which `proof` is the previous one's: that of the other. */
  readonly newProof?: string;
  /** Left out where there is none. */
  readonly evidence?: Evidence;
}

/** A ping or its answer, with what the sender tells about itself. */
export interface Beat {
  readonly nonce: number;
  readonly status: PeerStatus;
}

const NONCE = /^[0-9a-f]{32}$/;
const PROOF = /^[0-9a-f]{64}$/;
const DIGEST = /^[0-9]{1,9}:[0-9a-f]{16}$/;
const BASE64 = /^[A-Za-z0-9+/]{1,12000}={0,2}$/;
const ROLES: readonly Role[] = ["Follower", "PreCandidate", "Candidate", "Leader"];
/** Of why a peer is refused, as it is told and logged: with a certificate in it. */
export const REASON_CHARACTERS_MAX = 700;

/** The header of the acceptor's first frame, and all that somebody learns who has proved nothing. */
export function encodeChallenge(nonce: string): string {
  return asciiJson({ rpc: "Challenge", nonce });
}

/** The nonce; undefined when the fields are not a Challenge. */
export function decodeChallenge(fields: Fields): string | undefined {
  if (fields.rpc !== "Challenge") return undefined;
  const nonce = fields.text("nonce");
  return fields.valid && NONCE.test(nonce) ? nonce : undefined;
}

/**
 * The text of an introduction, over which its proof is made. `version` is the oldest one that the side speaks: programs that
 * speak one version only, and know no `newest`, take it for the only one.
 */
export function sayIntroduction({ greeting: { versions, ...greeting }, ...more }: Introduction): string {
  return asciiJson({ version: versions.oldest, newest: versions.newest, greeting, ...more });
}

/** Undefined for what is no introduction. Only the versions are read of one that speaks none of `own`. */
export function readIntroduction(
  said: string,
  own: VersionRange,
): Introduction | { readonly otherVersions: VersionRange } | undefined {
  const fields = parseFields(said);
  if (fields === undefined) return undefined;
  const oldest = fields.count("version");
  const newest = fields.absent("newest") ? oldest : fields.count("newest");
  if (!fields.valid || newest < oldest) return undefined;
  const versions = { oldest, newest };
  if (agreedVersion(own, versions) === undefined) return { otherVersions: versions };
  const nonce = fields.text("nonce");
  const introduction: Introduction = {
    greeting: { versions, ...fields.nested("greeting", decodeGreeting) },
    nonce: nonce === "" || NONCE.test(nonce) ? nonce : fields.reject(""),
    ...(fields.absent("to") ? {} : { to: fields.nodeId("to") }),
    ...(fields.mark("wantsId") ? { wantsId: true } : {}),
    ...(fields.absent("acquaintance") ? {} : { acquaintance: fields.nested("acquaintance", decodeAcquaintance) }),
    ...(fields.mark("removed") ? { removed: true } : {}),
  };
  return fields.valid ? introduction : undefined;
}

function decodeAcquaintance(fields: Fields): Acquaintance {
  return {
    members: fields.list("members", { lengthMax: MEMBERS_MAX, read: decodePeerAddress }),
    ...(fields.absent("assignedId") ? {} : { assignedId: fields.nodeId("assignedId") }),
    ...(fields.absent("objection") ? {} : { objection: printable(fields.text("objection")) }),
  };
}

function decodePeerAddress(fields: Fields): PeerAddress {
  return { id: fields.nodeId("id"), address: decodeAddress(fields, "address") };
}

/** The header of the dialer's answer to the challenge. */
export function encodeProof(statement: Statement): string {
  return asciiJson({ rpc: "Proof", ...statement });
}

/** The header of the acceptor's answer to a proof it likes. */
export function encodeWelcome(statement: Statement): string {
  return asciiJson({ rpc: "Welcome", ...statement });
}

/** Undefined when the fields are not a statement of that kind. */
export function decodeStatement(fields: Fields, rpc: "Proof" | "Welcome"): Statement | undefined {
  if (fields.rpc !== rpc) return undefined;
  const said = fields.raw("said");
  const proof = fields.text("proof");
  const newProof = fields.absent("newProof") ? undefined : fields.text("newProof");
  const evidence = fields.absent("evidence") ? {} : { evidence: fields.nested("evidence", decodeEvidence) };
  if (!fields.valid || typeof said !== "string" || !PROOF.test(proof)) return undefined;
  if (newProof === undefined) return { said, proof, ...evidence };
  return PROOF.test(newProof) ? { said, proof, newProof, ...evidence } : undefined;
}

function decodeEvidence(fields: Fields): Evidence {
  const [certificate, signature] = [fields.raw("certificate"), fields.raw("signature")];
  const isText = typeof certificate === "string" && typeof signature === "string";
  if (!isText || !BASE64.test(certificate) || !BASE64.test(signature)) {
    return fields.reject({ certificate: "", signature: "" });
  }
  return { certificate, signature };
}

/** The header by which the dialer ends the handshake well: from here on messages may follow. */
export const ACCEPTED_HEADER: string = asciiJson({ rpc: "Accepted" });

/** The header of a refusal; `reason` is for people. `clusterId` goes to a proven dialer only: a new node must not found another. */
export function encodeRefused(reason: string, clusterId = ""): string {
  const cluster = clusterId === "" ? {} : { clusterId };
  return asciiJson({ rpc: "Refused", reason: reason.slice(0, REASON_CHARACTERS_MAX), ...cluster });
}

/** The id of the refusing node's cluster; "" when it said none. */
export function clusterOfRefusal(fields: Fields): string {
  if (fields.rpc !== "Refused" || fields.absent("clusterId")) return "";
  const clusterId = fields.text("clusterId");
  return fields.valid ? clusterId : "";
}

/** The reason of a refusal, harmless to show and to log; undefined when the fields are no refusal. */
export function decodeRefused(fields: Fields): string | undefined {
  if (fields.rpc !== "Refused") return undefined;
  const reason = printable(fields.text("reason"));
  return fields.valid ? reason : undefined;
}

/** Text that comes from outside and ends on a terminal: cut, and without control characters. */
export function printable(text: string): string {
  return text.slice(0, REASON_CHARACTERS_MAX).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** The header of a ping. `sentAt` is of the sender's clock and means nothing to others. */
export function encodePing(beat: Beat, sentAt: number): string {
  return asciiJson({ rpc: "Ping", nonce: beat.nonce, sentAt, status: encodeStatus(beat.status) });
}

/** The header of the answer to a ping. */
export function encodePong(beat: Beat): string {
  return asciiJson({ rpc: "Pong", nonce: beat.nonce, status: encodeStatus(beat.status) });
}

/** Reads a Ping or a Pong; undefined when the fields are not the one asked for. */
export function decodeBeat(fields: Fields, rpc: "Ping" | "Pong"): Beat | undefined {
  if (fields.rpc !== rpc) return undefined;
  const beat = { nonce: fields.count("nonce"), status: fields.nested("status", decodeStatus) };
  return fields.valid ? beat : undefined;
}

function decodeGreeting(fields: Fields): Omit<Greeting, "versions"> {
  return {
    clusterId: fields.text("clusterId"),
    clusterName: fields.text("clusterName"),
    nodeId: fields.nodeId("nodeId"),
    incarnation: fields.count("incarnation"),
    identity: fields.text("identity"),
    rejoin: fields.flag("rejoin"),
    ...(fields.mark("joins") ? { joins: true } : {}),
    ...(fields.mark("staysLearner") ? { staysLearner: true } : {}),
    ...(fields.mark("readsZstd") ? { readsZstd: true } : {}),
    configurationIndex: fields.count("configurationIndex"),
    membersFingerprint: fields.text("membersFingerprint"),
    clientAddress: decodeAddress(fields, "clientAddress"),
    peerAddress: decodeAddress(fields, "peerAddress"),
    ...(fields.absent("httpAddress") ? {} : { httpAddress: decodeAddress(fields, "httpAddress") }),
  };
}

function encodeStatus(status: PeerStatus): Readonly<Record<string, unknown>> {
  return { ...status, leaderId: status.leaderId ?? null }; // JSON has no undefined.
}

function decodeStatus(fields: Fields): PeerStatus {
  const role = ROLES.find((known) => known === fields.raw("role"));
  return {
    role: role ?? fields.reject("Follower"),
    term: toTerm(fields.count("term")),
    leaderId: fields.absent("leaderId") ? undefined : fields.nodeId("leaderId"),
    commitIndex: toIndex(fields.count("commitIndex")),
    lastApplied: toIndex(fields.count("lastApplied")),
    lastDurable: fields.nested("lastDurable", decodeEntryId),
    clientAddress: decodeAddress(fields, "clientAddress"),
    httpAddress: fields.absent("httpAddress") ? "" : decodeAddress(fields, "httpAddress"),
    ...(fields.absent("checks") ? {} : {
      checks: fields.list("checks", { lengthMax: CHECKS_HEARD_MAX, read: decodeCheck }),
    }),
    ...(fields.mark("suspect") ? { suspect: true } : {}),
    ...(fields.mark("quarantined") ? { quarantined: true } : {}),
  };
}

function decodeCheck(fields: Fields): StateCheck {
  const digest = fields.text("digest");
  return { index: toIndex(fields.count("index")), digest: DIGEST.test(digest) ? digest : fields.reject("") };
}

/** It ends in the log, in headers of HTTP, in links and in commands to paste, so that only an address, or none, is taken. */
function decodeAddress(fields: Fields, name: string): string {
  const address = fields.text(name);
  return address === "" || isAddress(address) ? address : fields.reject("");
}

function decodeEntryId(fields: Fields): PeerStatus["lastDurable"] {
  return { index: toIndex(fields.count("index")), term: toTerm(fields.count("term")) };
}
