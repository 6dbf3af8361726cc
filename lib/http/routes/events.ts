/** `GET /v1/events`: what changes, as server-sent events in the order of the log. */

import { GRANT_PREFIX_BYTES_MAX, mayUse, type Rights, shownBy } from "../../kv/rights.ts";
import { type EventFilter, makeFilter, readablePart } from "../event_stream/filter.ts";
import { type EventHub, hubOf } from "../event_stream/hub.ts";
import { EventStream } from "../event_stream/stream.ts";
import type { HttpReply } from "../http.ts";
import { NOT_LOGGED_IN } from "../logins.ts";
import { badRequest, forbidden, problem, PROBLEM_TYPE, readNotDone } from "../problem.ts";
import type { Parameter, ResponseDescription, Route, RouteCall } from "../route.ts";

const EVENT_STREAM = "text/event-stream";
const OK = 200;
const GONE = 410;
const TOO_MANY = 429;

const QUERY: readonly Parameter[] = [
  { name: "prefix", description: "Only keys that begin so.", schema: { type: "string" } },
  { name: "start", description: "Only keys from this one on.", schema: { type: "string" } },
  { name: "end", description: "Only keys before this one.", schema: { type: "string" } },
  {
    name: "types",
    description: "Only these kinds of changes, with commas between: `put`, `delete`, `expire`.",
    schema: { type: "string", examples: ["put,delete"] },
  },
  {
    name: "snapshot",
    description: "`1`: the keys as they are first, then what changes.",
    schema: { type: "string", enum: ["0", "1"] },
  },
  {
    name: "since",
    description: "What changed behind this revision first; the header `Last-Event-ID` goes before it.",
    schema: { type: "integer", minimum: 0 },
  },
];

const RESPONSES: Readonly<Record<number, ResponseDescription>> = {
  [OK]: {
    description:
      "Events without end. `id` is the revision, and stands only with the last event of an entry of the log.",
    contentType: EVENT_STREAM,
    schema: { type: "string" },
  },
  [GONE]: {
    description: "`compacted`: what was changed behind that revision is not known here; `oldest` is what is.",
    contentType: PROBLEM_TYPE,
  },
  [TOO_MANY]: { description: "`overloaded`: too many watchers.", contentType: PROBLEM_TYPE },
};

/** The operation, for the table of routes. */
export const EVENT_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/events",
    id: "watchEvents",
    isForUsers: true,
    tag: "Events",
    summary: "Follows the changes of keys.",
    query: QUERY,
    headers: [{
      name: "Last-Event-ID",
      description: "The last revision that was seen: what changed behind it comes first.",
      schema: { type: "integer", minimum: 0 },
    }],
    responses: RESPONSES,
    handle: watchEvents,
  },
];

/** What a watcher asked for. */
interface WatchRequest {
  readonly filter: EventFilter;
  readonly snapshot: boolean;
  /** The last revision it has seen; undefined when it begins anew. */
  readonly since: number | undefined;
}

function watchEvents(call: RouteCall): HttpReply | Promise<HttpReply> {
  const { node, shared, clock, gate, login } = call.context;
  const wanted = readRequest(call);
  if (typeof wanted === "string") return badRequest(wanted);
  const hub = hubOf(shared, clock);
  if (!hub.hasRoomFor(wanted.filter)) return tooMany();
  // Without this a node that lags would not know yet what the client has seen on another.
  return new Promise((resolve) => {
    node.read((outcome) => {
      if (outcome.type === "NotDone") return resolve(readNotDone(outcome, shared));
      resolve(beginFor(() => gate.rightsOf(login), { hub, wanted }));
    });
  });
}

/** Begins a stream of what may be read, which ends when one of the rights for it goes. */
function beginFor(
  rightsNow: () => Rights | undefined,
  { hub, wanted }: { readonly hub: EventHub; readonly wanted: WatchRequest },
): HttpReply {
  const rights = rightsNow();
  if (rights === undefined) return NOT_LOGGED_IN;
  const part = readablePart(wanted.filter, shownBy(rights));
  if (part === undefined) {
    return forbidden({ right: "read", prefix: wanted.filter.from.slice(0, GRANT_PREFIX_BYTES_MAX) });
  }
  const holds = () => {
    const now = rightsNow();
    return now !== undefined && part.by.every((prefix) => mayUse(now, { right: "read", prefix }));
  };
  return { ...begin(hub, { ...wanted, filter: part.filter }), holds };
}

function begin(hub: EventHub, { filter, snapshot, since }: WatchRequest): HttpReply {
  if (!hub.hasRoomFor(filter)) return tooMany();
  const { newest, oldest } = hub.node.changes;
  const isGone = since !== undefined && (since < oldest || since > newest);
  if (isGone && !snapshot) {
    const detail = since < oldest
      ? `What changed behind revision ${since} is not known any more`
      : `Revision ${since} lies ahead of this cluster, which is at ${newest}`;
    return problem({ status: GONE, code: "compacted", detail, more: { oldest, newest } });
  }
  const position = isGone ? newest : since ?? newest;
  const stream = new EventStream(hub, {
    filter,
    position,
    // Whoever goes on from a revision has the state.
    snapshot: snapshot && (isGone || since === undefined),
    reset: isGone,
  });
  // Proxies that collect a reply before they pass it on would hold events back.
  const headers = [["Content-Type", EVENT_STREAM], ["Cache-Control", "no-store"], ["X-Accel-Buffering", "no"]] as const;
  return { status: OK, headers, body: stream };
}

function readRequest({ query, request }: RouteCall): WatchRequest | string {
  const filter = makeFilter({
    prefix: query.get("prefix") ?? "",
    start: query.get("start") ?? "",
    end: query.get("end") ?? "",
    types: query.get("types") ?? "",
  });
  if (typeof filter === "string") return filter;
  const snapshot = query.get("snapshot") ?? "0";
  if (snapshot !== "0" && snapshot !== "1") return "snapshot must be 0 or 1";
  // A browser that connects again sends the header and still the query it began with.
  const written = request.headers.get("last-event-id") || query.get("since");
  if (written === undefined || written === "") return { filter, snapshot: snapshot === "1", since: undefined };
  const since = /^\d{1,16}$/.test(written) ? Number(written) : NaN;
  if (!Number.isSafeInteger(since)) return "Last-Event-ID and since must be a revision";
  return { filter, snapshot: snapshot === "1", since };
}

function tooMany(): HttpReply {
  return problem({
    status: TOO_MANY,
    code: "overloaded",
    detail: "There are too many watchers",
    headers: [["Retry-After", "1"]],
  });
}
