/** `POST /v1/snapshot` and `GET /v1/backup`. */

import { bytesToString } from "../../base/bytes.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { hash64 } from "../../base/hash.ts";
import type { Backup, NodeMonitor } from "../../node/api.ts";
import { BACKUP_BYTES_PER_SECOND_MAX } from "../../node/limits.ts";
import type { BodySink, BodyStream, HttpReply } from "../http.ts";
import { LEVEL, readFreshness } from "../parameters.ts";
import { isProblem, notDone, problem, PROBLEM_TYPE } from "../problem.ts";
import { IF_RANGE, partOf, RANGE } from "../ranges.ts";
import { answerWhenFresh } from "../reads.ts";
import type { ResponseDescription, Route, RouteCall } from "../route.ts";

/** Bytes of a backup that are read and sent at once. */
export const BACKUP_PIECE_BYTES = 262_144;

const MS_PER_SECOND = 1_000;
const OK = 200;
const CREATED = 201;
const PARTIAL = 206;
const NO_SUCH_PART = 416;
/** The end of the file, in which checksums of all of it stand. */
const TAGGED_BYTES = 32;
const JSON_TYPE = "application/json";
const POSITION_SCHEMA = {
  type: "object",
  properties: { index: { type: "integer" }, term: { type: "integer" } },
  required: ["index", "term"],
};

const NO_SPACE: ResponseDescription = {
  description: "`no_space`: the snapshot could not be written.",
  contentType: PROBLEM_TYPE,
};

/** The operations, for the table of routes. */
export const SNAPSHOT_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/snapshot",
    id: "takeSnapshot",
    tag: "Cluster",
    summary: "Takes a snapshot of this node's state and shortens its log.",
    query: [],
    headers: [],
    responses: {
      [CREATED]: { description: "The last entry it includes.", contentType: JSON_TYPE, schema: POSITION_SCHEMA },
      [OK]: { description: "Nothing has changed since this one.", contentType: JSON_TYPE, schema: POSITION_SCHEMA },
      507: NO_SPACE,
    },
    handle: postSnapshot,
  },
  {
    method: "GET",
    path: "/v1/backup",
    id: "getBackup",
    holdsEverything: true,
    tag: "Cluster",
    summary: "The file of a snapshot with everything up to now, verified before it is sent.",
    query: [LEVEL],
    headers: [RANGE, IF_RANGE],
    responses: {
      [OK]: {
        description: "The file. A transfer that breaks off is not complete; the file has checksums of its own.",
        contentType: "application/octet-stream",
      },
      [PARTIAL]: {
        description: "The bytes that `Range` asked for; `Content-Range` says which.",
        contentType: "application/octet-stream",
      },
      404: { description: "`empty`: nothing was ever written.", contentType: PROBLEM_TYPE },
      [NO_SUCH_PART]: { description: "`range_not_satisfiable`: the file is shorter.", contentType: PROBLEM_TYPE },
      429: { description: "`overloaded`: other backups are under way.", contentType: PROBLEM_TYPE },
      507: NO_SPACE,
    },
    handle: getBackup,
  },
];

async function postSnapshot({ context: { node } }: RouteCall): Promise<HttpReply> {
  const outcome = await node.takeSnapshot();
  if (outcome.type === "NotSound") return notDone({ reason: "Quarantined" });
  if (outcome.type === "Failed") return notTaken(node, outcome.message);
  return {
    status: outcome.type === "Created" ? CREATED : OK,
    headers: [["Content-Type", JSON_TYPE]],
    // Not the id as it came: where that is an entry, it carries the entry's command.
    body: `${JSON.stringify({ index: outcome.id.index, term: outcome.id.term })}\n`,
  };
}

/** There was no room, unless the node is about to stop. */
function notTaken(node: NodeMonitor, detail: string): HttpReply {
  if (node.health().stopping) return notDone({ reason: "Stopping" });
  return problem({ status: 507, code: "no_space", detail });
}

/** Asks a majority first: a follower may not have applied yet what was acknowledged. */
function getBackup(call: RouteCall): HttpReply | Promise<HttpReply> {
  const freshness = readFreshness(call);
  if (isProblem(freshness)) return freshness;
  return answerWhenFresh(freshness, { context: call.context, answer: () => openBackup(call) });
}

async function openBackup({ context: { node, clock }, request }: RouteCall): Promise<HttpReply> {
  const outcome = await node.openBackup();
  switch (outcome.type) {
    case "Failed":
      return notTaken(node, outcome.message);
    case "NotSound":
      return notDone({ reason: "Quarantined" });
    case "Empty":
      return problem({ status: 404, code: "empty", detail: "There is nothing to back up yet" });
    case "Busy":
      return problem({
        status: 429,
        code: "overloaded",
        detail: "Other backups are under way",
        headers: [["Retry-After", "1"]],
      });
    default:
      return showBackup(outcome.backup, { clock, request });
  }
}

function showBackup(
  backup: Backup,
  { clock, request }: { readonly clock: Clock; readonly request: RouteCall["request"] },
): HttpReply {
  const { id: { index, term }, bytes: length } = backup;
  const tag = tagOf(backup);
  const headers = [
    ["Content-Type", "application/octet-stream"],
    ["Content-Disposition", `attachment; filename="kvstore-${index}-${term}.snap"`],
    ["Cache-Control", "no-store"],
    ["ETag", tag],
    ["Accept-Ranges", "bytes"],
    ["X-KV-Revision", String(index)],
    ["X-KV-Snapshot-Bytes", String(length)],
  ] as const;
  const part = partOf(request, { length, tag });
  if (request.method === "HEAD" || part?.type === "Unsatisfiable") backup.close();
  if (request.method === "HEAD") return { status: OK, headers, body: "" };
  if (part === undefined) {
    return { status: OK, headers, body: new BackupStream(backup, { clock, from: 0, to: length }) };
  }
  if (part.type === "Unsatisfiable") {
    return problem({
      status: NO_SUCH_PART,
      code: "range_not_satisfiable",
      detail: `The backup has ${length} bytes`,
      headers: [["Content-Range", `bytes */${length}`]],
    });
  }
  const { first, last } = part;
  return {
    status: PARTIAL,
    headers: [...headers, ["Content-Range", `bytes ${first}-${last}/${length}`]],
    body: new BackupStream(backup, { clock, from: first, to: last + 1 }),
  };
}

/** Names the very bytes: two nodes have different files of one state. */
function tagOf(backup: Backup): string {
  const { id: { index, term }, bytes } = backup;
  const end = bytesToString(readOf(backup, { at: Math.max(0, bytes - TAGGED_BYTES), count: TAGGED_BYTES }));
  return `"${index}-${term}-${bytes}-${hash64(end)}"`;
}

/** Empty when nothing more can be read, also by an error: the node itself does without this file. */
function readOf(backup: Backup, { at, count }: { readonly at: number; readonly count: number }): Uint8Array {
  try {
    return backup.read(at, count);
  } catch {
    return new Uint8Array();
  }
}

/** Sends a file as fast as the client reads it, and no faster than leaves the node to its other clients. */
class BackupStream implements BodyStream {
  readonly #backup: Backup;
  readonly #clock: Clock;
  readonly #to: number;
  #sink: BodySink | undefined;
  #at: number;
  /** Until the next piece may leave. */
  #pause: Timer | undefined;

  constructor(
    backup: Backup,
    { clock, from, to }: { readonly clock: Clock; readonly from: number; readonly to: number },
  ) {
    this.#backup = backup;
    this.#clock = clock;
    this.#at = from;
    this.#to = to;
  }

  /** See `BodyStream`. */
  opened(sink: BodySink): void {
    this.#sink = sink;
    this.#sendPiece(sink);
  }

  /** See `BodyStream`. */
  drained(): void {
    this.#sendNext();
  }

  /** See `BodyStream`. */
  closed(): void {
    this.#pause?.cancel();
    this.#sink = undefined;
    this.#backup.close();
  }

  /** Once both have come: the client has what was sent, and the time is over. */
  #sendNext(): void {
    const sink = this.#sink;
    if (sink !== undefined && this.#pause === undefined && sink.unsentBytes === 0) this.#sendPiece(sink);
  }

  #sendPiece(sink: BodySink): void {
    if (this.#at === this.#to) return sink.finish();
    const count = Math.min(BACKUP_PIECE_BYTES, this.#to - this.#at);
    const piece = readOf(this.#backup, { at: this.#at, count });
    // The file is not what it was when it was verified: half a backup must not look like one.
    if (piece.length === 0) return sink.abort();
    this.#at += piece.length;
    this.#pause = this.#clock.after(piece.length / BACKUP_BYTES_PER_SECOND_MAX * MS_PER_SECOND, () => {
      this.#pause = undefined;
      this.#sendNext();
    });
    sink.send(bytesToString(piece));
  }
}
