/** The frames of the transport itself: the four of the handshake, the refusal, and the ping with its answer. */

import type { Role } from "../raft/types.ts";
import { toIndex, toTerm } from "../raft/types.ts";
import { asciiJson, type Fields } from "./fields.ts";
import type { Greeting, PeerStatus } from "./transport.ts";

/** Version of handshake and messages; both sides must speak the same. */
export const PROTOCOL_VERSION = 1;

/** Who a side of a connection says it is, with the number it wants to see in the other's proof. */
export interface Introduction {
  readonly version: number;
  readonly greeting: Greeting;
  /** 32 hex digits, fresh for each connection. */
  readonly nonce: string;
  /** The side has a cluster secret and wants a proof of it. */
  readonly secured: boolean;
}

/** The dialer's first frame. */
export interface Hello extends Introduction {
  /** The node the dialer means to reach. */
  readonly to: number;
}

/** The acceptor's answer to a `Hello` it likes. `proof` is "" without a secret. */
export interface Welcome extends Introduction {
  readonly proof: string;
}

/** A ping or its answer, with what the sender tells about itself. */
export interface Beat {
  readonly nonce: number;
  readonly status: PeerStatus;
}

const NONCE = /^[0-9a-f]{32}$/;
const ROLES: readonly Role[] = ["Follower", "PreCandidate", "Candidate", "Leader"];
const ADDRESS = /^[0-9A-Za-z._:[\]-]{0,270}$/;
const REASON_CHARACTERS_MAX = 300;

/** The header of the dialer's first frame. */
export function encodeHello(hello: Hello): string {
  return asciiJson({ rpc: "Hello", ...hello });
}

/** Undefined when the fields are not a Hello. Only the version is read of another version's Hello. */
export function decodeHello(fields: Fields): Hello | { readonly otherVersion: number } | undefined {
  if (fields.rpc !== "Hello") return undefined;
  const version = fields.count("version");
  if (fields.valid && version !== PROTOCOL_VERSION) return { otherVersion: version };
  const hello = { ...introduction(fields), to: fields.nodeId("to") };
  return fields.valid ? hello : undefined;
}

/** The header of the acceptor's answer. */
export function encodeWelcome(welcome: Welcome): string {
  return asciiJson({ rpc: "Welcome", ...welcome });
}

/** Undefined when the fields are not a Welcome of this version. */
export function decodeWelcome(fields: Fields): Welcome | undefined {
  if (fields.rpc !== "Welcome") return undefined;
  const welcome = { ...introduction(fields), proof: fields.text("proof") };
  return fields.valid && welcome.version === PROTOCOL_VERSION ? welcome : undefined;
}

/** The header that carries the dialer's proof, "" without a secret. */
export function encodeProof(proof: string): string {
  return asciiJson({ rpc: "Proof", proof });
}

/** Undefined when the fields are not a Proof. */
export function decodeProof(fields: Fields): string | undefined {
  if (fields.rpc !== "Proof") return undefined;
  const proof = fields.text("proof");
  return fields.valid ? proof : undefined;
}

/** The header by which the acceptor ends the handshake well: from here on messages may follow. */
export const ACCEPTED_HEADER: string = asciiJson({ rpc: "Accepted" });

/** The header of a refusal; `reason` is for people. */
export function encodeRefused(reason: string): string {
  return asciiJson({ rpc: "Refused", reason: reason.slice(0, REASON_CHARACTERS_MAX) });
}

/** The reason of a refusal, harmless to show and to log; undefined when the fields are no refusal. */
export function decodeRefused(fields: Fields): string | undefined {
  if (fields.rpc !== "Refused") return undefined;
  const reason = fields.text("reason").slice(0, REASON_CHARACTERS_MAX);
  // It comes from outside and ends on a terminal: no control characters.
  return fields.valid ? reason.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?") : undefined;
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

function introduction(fields: Fields): Introduction {
  const nonce = fields.text("nonce");
  return {
    version: fields.count("version"),
    greeting: fields.nested("greeting", decodeGreeting),
    nonce: NONCE.test(nonce) ? nonce : fields.reject(""),
    secured: fields.flag("secured"),
  };
}

function decodeGreeting(fields: Fields): Greeting {
  return {
    clusterId: fields.text("clusterId"),
    nodeId: fields.nodeId("nodeId"),
    incarnation: fields.count("incarnation"),
    identity: fields.text("identity"),
    rejoin: fields.flag("rejoin"),
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
    httpAddress: decodeAddress(fields, "httpAddress"),
  };
}

/** It ends in the log, in headers of HTTP and in links, so that only what an address can hold is taken; "" where it is absent. */
function decodeAddress(fields: Fields, name: string): string {
  const address = fields.absent(name) ? "" : fields.text(name);
  return ADDRESS.test(address) ? address : fields.reject("");
}

function decodeEntryId(fields: Fields): PeerStatus["lastDurable"] {
  return { index: toIndex(fields.count("index")), term: toTerm(fields.count("term")) };
}
