/**
 * The audit log: who came in, who administered what, and who was refused for the lack of a right (ADR 32). What is recorded here never has a
 * value, a password, or what may be one.
 */

import type { Clock } from "../base/clock.ts";
import type { Registry } from "./metrics.ts";
import { METRIC } from "./names.ts";

/** Lines a second of what anybody can cause without a right, refusals and failed logins; more are counted, and left out. */
export const REFUSALS_PER_SECOND_MAX = 100;
/** The same for logins that succeed: every user can repeat his own without end, whatever rights he has. */
export const LOGINS_PER_SECOND_MAX = 200;
/** Bytes of a name, key or address in a line; what is longer is cut. */
export const AUDIT_TEXT_BYTES_MAX = 256;
const SECOND_MS = 1_000;

/** How somebody came: the protocol; `page` for a login by the page over HTTP; `none` for what a node does by itself. */
export type AuditProtocol = "text" | "redis" | "http" | "page" | "none";

/** What is recorded. Byte strings. */
export interface AuditEvent {
  /** `Login`: somebody said who he is. `Admin`: more than keys was changed, or was to be. `Refused`: a right was missing. */
  readonly type: "Login" | "Admin" | "Refused";
  /** The user; "" for nobody, or nobody who is known. */
  readonly user: string;
  /** The address of the client, without its port; of another node where that passes on what its client asked. */
  readonly from: string;
  readonly protocol: AuditProtocol;
  /** The command or operation by its name in the tables. */
  readonly command: string;
  /** What it is about: the key of what was refused, the user, member or address that is changed. Left out for nothing. */
  readonly subject?: string | undefined;
  readonly isAllowed: boolean;
  /** What became of it, by a word of ours, where that says more. */
  readonly outcome?: string | undefined;
}

/** Takes what is to be recorded. Never throws, never waits. */
export interface Audit {
  record(event: AuditEvent): void;
}

/** For a server without an audit log. */
export const NO_AUDIT: Audit = { record: () => {} };

/** What a recorder needs. */
export interface AuditParts {
  readonly node: number;
  readonly clock: Pick<Clock, "now">;
  /** The date of this machine, in ms since 1970. */
  readonly dateMs: () => number;
  /** Takes one line with its end. Never throws. */
  readonly write: (line: string) => void;
  readonly metrics: Registry;
}

/** Makes lines of events, and keeps those that anybody can cause from displacing the others soon. */
export class AuditRecorder implements Audit {
  readonly #parts: AuditParts;
  #second = -Infinity;
  readonly #counts = { refusals: 0, logins: 0 };
  #leftOut = 0;

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** See `Audit`. */
  record(event: AuditEvent): void {
    if (!this.#hasRoom(event)) {
      this.#leftOut += 1;
      this.#parts.metrics.counterFamily(METRIC.auditLinesLost, ["reason"]).counter(["rate"]).add();
      return;
    }
    this.#parts.write(`${JSON.stringify(this.#fieldsOf(event))}\n`);
    this.#leftOut = 0;
  }

  /** What administers always has: it takes a right. */
  #hasRoom({ type, isAllowed }: AuditEvent): boolean {
    if (type === "Admin") return true;
    const now = this.#parts.clock.now();
    const counts = this.#counts;
    if (now - this.#second >= SECOND_MS) {
      this.#second = now;
      counts.refusals = 0;
      counts.logins = 0;
    }
    if (type === "Login" && isAllowed) return ++counts.logins <= LOGINS_PER_SECOND_MAX;
    return ++counts.refusals <= REFUSALS_PER_SECOND_MAX;
  }

  #fieldsOf(event: AuditEvent): Readonly<Record<string, unknown>> {
    const { type, user, from, protocol, command, subject, isAllowed, outcome } = event;
    return {
      time: new Date(this.#parts.dateMs()).toISOString(),
      node: this.#parts.node,
      event: type.toLowerCase(),
      user: shown(user),
      from: shown(from),
      protocol,
      command: shown(command),
      ...(subject === undefined ? {} : { subject: shown(subject) }),
      allowed: isAllowed,
      ...(outcome === undefined ? {} : { outcome }),
      ...(this.#leftOut === 0 ? {} : { left_out: this.#leftOut }),
    };
  }
}

/** Printable, on one line, of a bounded length; a byte that is no ASCII stands as \xNN, so that no two subjects look alike. */
function shown(bytes: string): string {
  const isCut = bytes.length > AUDIT_TEXT_BYTES_MAX;
  const kept = (isCut ? bytes.slice(0, AUDIT_TEXT_BYTES_MAX) : bytes).replace(NOT_PLAIN, escaped);
  return isCut ? `${kept}...` : kept;
}

const NOT_PLAIN = /[^\x20-\x5b\x5d-\x7e]/g;

function escaped(byte: string): string {
  return byte === "\\" ? "\\\\" : `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
