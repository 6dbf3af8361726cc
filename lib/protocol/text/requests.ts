/** What a line of the text protocol asks for, once it has been read. */

import type { DeleteCommand, PutCommand } from "../../kv/commands.ts";
import type { MemberChange } from "../../node/api.ts";
import type { ReportContext } from "./report_context.ts";

/** A change of the state. */
export interface WriteRequest {
  readonly type: "Write";
  readonly command: PutCommand | DeleteCommand;
}

/** A linearizable read. */
export interface ReadRequest {
  readonly type: "Read";
  readonly key: string;
}

/** A read of what this node has, confirmed by nobody. */
export interface StaleReadRequest {
  readonly type: "StaleRead";
  readonly key: string;
}

/** Anything about this node or connection that is known at once. */
export interface ReportRequest {
  readonly type: "Report";
  /** The reply as a byte string, the end of its last line left out. */
  readonly render: (context: ReportContext) => string;
  /** Whether it is for those, too, who have not logged in. */
  readonly isOpen?: boolean;
  /** Whether it is for administrators alone. */
  readonly isForAdmins?: boolean;
}

/** A checkpoint. */
export interface SnapshotRequest {
  readonly type: "Snapshot";
}

/** A change of the membership. */
export interface MemberRequest {
  readonly type: "Member";
  readonly change: MemberChange;
}

/** METRICS again and again. */
export interface WatchRequest {
  readonly type: "Watch";
  readonly seconds: number;
}

/** Somebody says who he is. */
export interface LoginRequest {
  readonly type: "Login";
  readonly name: string;
  readonly password: string;
}

/** The client says goodbye. */
export interface ExitRequest {
  readonly type: "Exit";
}

/** A line without a reply of its own, which is taken all the same. */
export interface NoRequest {
  readonly type: "Nothing";
}

/** A line that cannot be done. */
export interface RefusedRequest {
  readonly type: "Refused";
  /** One line without its end; a byte string. */
  readonly reply: string;
}

/** A line after which the connection ends: with a last reply, or at once and without one. */
export interface HangUpRequest {
  readonly type: "HangUp";
  readonly reply: string | undefined;
  /** For the log. */
  readonly reason: string;
}

/** Every kind of request. */
export type Request =
  | NoRequest
  | WriteRequest
  | ReadRequest
  | StaleReadRequest
  | ReportRequest
  | SnapshotRequest
  | MemberRequest
  | WatchRequest
  | LoginRequest
  | ExitRequest
  | RefusedRequest
  | HangUpRequest;
