/** `POST /v1/snapshot` and `GET /v1/backup`. */

import { bytesToString } from "../../base/bytes.ts";
import type { Backup, NodeMonitor } from "../../node/api.ts";
import type { BodySink, BodyStream, HttpReply } from "../http.ts";
import { notDone, problem, PROBLEM_TYPE } from "../problem.ts";
import type { ResponseDescription, Route, RouteCall } from "../route.ts";

/** Bytes of a backup that are read and sent at once. */
export const BACKUP_PIECE_BYTES = 262_144;

const OK = 200;
const CREATED = 201;
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
    tag: "Cluster",
    summary: "The file of a snapshot with everything up to now, verified before it is sent.",
    query: [],
    headers: [],
    responses: {
      [OK]: {
        description: "The file. A transfer that breaks off is not complete; the file has checksums of its own.",
        contentType: "application/octet-stream",
      },
      404: { description: "`empty`: nothing was ever written.", contentType: PROBLEM_TYPE },
      429: { description: "`overloaded`: other backups are under way.", contentType: PROBLEM_TYPE },
      507: NO_SPACE,
    },
    handle: getBackup,
  },
];

async function postSnapshot({ context: { node } }: RouteCall): Promise<HttpReply> {
  const outcome = await node.takeSnapshot();
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

async function getBackup({ context: { node }, request: { method } }: RouteCall): Promise<HttpReply> {
  const outcome = await node.openBackup();
  switch (outcome.type) {
    case "Failed":
      return notTaken(node, outcome.message);
    case "Empty":
      return problem({ status: 404, code: "empty", detail: "There is nothing to back up yet" });
    case "Busy":
      return problem({
        status: 429,
        code: "overloaded",
        detail: "Other backups are under way",
        headers: [["Retry-After", "1"]],
      });
    default: {
      const { backup } = outcome;
      const { index, term } = backup.id;
      const headers = [
        ["Content-Type", "application/octet-stream"],
        ["Content-Disposition", `attachment; filename="kvstore-${index}-${term}.snap"`],
        ["Cache-Control", "no-store"],
        ["X-KV-Revision", String(index)],
        ["X-KV-Snapshot-Bytes", String(backup.bytes)],
      ] as const;
      if (method === "HEAD") {
        backup.close();
        return { status: OK, headers, body: "" };
      }
      return { status: OK, headers, body: new BackupStream(backup) };
    }
  }
}

/** Sends a file as fast as the client reads it. */
class BackupStream implements BodyStream {
  readonly #backup: Backup;
  #sink: BodySink | undefined;
  #at = 0;

  constructor(backup: Backup) {
    this.#backup = backup;
  }

  /** See `BodyStream`. */
  opened(sink: BodySink): void {
    this.#sink = sink;
    this.#sendPiece();
  }

  /** See `BodyStream`. */
  drained(): void {
    this.#sendPiece();
  }

  /** See `BodyStream`. */
  closed(): void {
    this.#sink = undefined;
    this.#backup.close();
  }

  #sendPiece(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    if (this.#at === this.#backup.bytes) return sink.finish();
    const piece = this.#readPiece();
    // The file is not what it was when it was verified: half a backup must not look like one.
    if (piece.length === 0) return sink.abort();
    this.#at += piece.length;
    sink.send(bytesToString(piece));
  }

  /** Empty when nothing more can be read, also by an error: the node itself does without this file. */
  #readPiece(): Uint8Array {
    try {
      return this.#backup.read(this.#at, BACKUP_PIECE_BYTES);
    } catch {
      return new Uint8Array();
    }
  }
}
