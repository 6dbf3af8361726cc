/** One operation of the HTTP interface: what it is called with, what it answers, and its description for /openapi.json. */

import type { Gate } from "../access/gate.ts";
import type { Login } from "../access/login.ts";
import type { Clock } from "../base/clock.ts";
import type { Trust } from "../base/dial.ts";
import type { KeyValueNode } from "../node/api.ts";
import type { NodeLog } from "../node/options.ts";
import type { Tracer } from "../observe/tracing.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import type { LauncherPort } from "./launcher_port.ts";
import type { Happenings } from "./live/happenings.ts";

/** The server as its routes see it. */
export interface HttpContext {
  /** As whoever sends the request may use it. */
  readonly node: KeyValueNode;
  /** The node itself, for what requests share. */
  readonly shared: KeyValueNode;
  readonly gate: Gate;
  /** Who sends the request; undefined where nobody has to log in. */
  readonly login: Login | undefined;
  readonly clock: Clock;
  /** In the context of a request its lines carry the request's id. */
  readonly log: NodeLog;
  /** Makes a span for each request; undefined unless the runtime exports traces. */
  readonly tracer?: Tracer | undefined;
  /** Longest key and longest value in bytes. */
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** `host:port` under which this node serves HTTP, as bound. */
  readonly httpAddress: string;
  /** Members serve HTTPS where they say that their HTTP is, and whom to believe there; undefined for HTTP. */
  readonly https?: Trust | undefined;
  /** 32 hex digits of this process, which only its own pages can read: what a browser changes carries them in `X-KV-Token`. */
  readonly token: string;
  /** What has happened to this node, for the time line of the dashboard. */
  readonly happenings: Happenings;
  /** The way to the launcher that started this node; undefined where none did. */
  readonly launcher?: LauncherPort | undefined;
}

/** A JSON Schema, as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A parameter of the query, of the path or of the head. Unknown ones of the query are refused by the router. */
export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: JsonSchema;
  readonly required?: boolean;
}

/** The groups of operations in the document. */
export type Tag =
  | "Keys"
  | "Sessions"
  | "Users"
  | "Events"
  | "Cluster"
  | "Local cluster"
  | "Monitoring"
  | "Dashboard"
  | "Description";

/** One kind of reply. */
export interface ResponseDescription {
  readonly description: string;
  /** Media type of the body, or each that it can have; none when left out. As it stands in the reply, parameters included. */
  readonly contentType?: string | readonly string[];
  readonly schema?: JsonSchema;
  /** The body that a client gets instead which asks for JSON. */
  readonly json?: JsonSchema;
}

/** A request as its route sees it: path and query decoded to byte strings. */
export interface RouteCall {
  readonly request: HttpRequest;
  readonly context: HttpContext;
  /** By the name in the template. */
  readonly path: ReadonlyMap<string, string>;
  /** Only parameters that the route declares, each at most once; "" for one without a value. */
  readonly query: ReadonlyMap<string, string>;
}

/** A request body. */
export interface BodyDescription {
  readonly description: string;
  readonly contentType: string;
  readonly schema?: JsonSchema;
  /** Longest body in bytes. */
  bytesMax(context: HttpContext): number;
}

/** One operation. The router answers HEAD where there is GET, and refuses other methods with 405 and `Allow`. */
export interface Route {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** `/v1/kv/{key}`: a parameter takes one segment or, as the last part, everything that is left. */
  readonly path: string;
  /** `operationId`, and the value of the label `route` in metrics. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly query: readonly Parameter[];
  /** Headers of the request that have a meaning beyond HTTP's own. */
  readonly headers: readonly Parameter[];
  readonly body?: BodyDescription;
  /**
   * By status. What every operation can answer is added by whoever writes the document, and so is what follows from its
   * parameters: `Idempotency-Key` makes it a write, `min_revision` a reading.
   */
  readonly responses: Readonly<Record<number, ResponseDescription>>;
  /** It hands out all keys and what is kept of passwords: the audit log has it although it changes nothing. */
  readonly holdsEverything?: boolean;
  /** Whether it answers those, too, who have not logged in. */
  readonly isOpen?: boolean;
  /** Counts against no rate, and is refused for none: whoever looks after nodes asks. */
  readonly isHealth?: boolean;
  /** Whether it takes a form of a page of this server, and nothing from elsewhere: the origin stands for the token. */
  readonly isForm?: boolean;
  /** Whether it answers every user, by what he may do; left out, it is for administrators alone. */
  readonly isForUsers?: boolean;
  handle(call: RouteCall): HttpReply | Promise<HttpReply>;
}
