/** Readings of the state: as new as they were asked to be, in the turn in which that is so. */

import type { HttpReply } from "./http.ts";
import { notDone, problem, readNotDone } from "./problem.ts";
import type { Freshness } from "./parameters.ts";
import type { HttpContext } from "./route.ts";

/** How long a reading waits for `?min_revision=`. */
export const REVISION_TIMEOUT_MS = 5_000;

/**
 * What is read. `answer` is called at most once, when the state is new enough, and must read all it needs at once; only to make
 * the reply of it may take longer.
 */
export interface Reading {
  readonly context: HttpContext;
  answer(): HttpReply | Promise<HttpReply>;
}

/** Answers once the state is new enough, or with a problem. */
export function answerWhenFresh(
  { stale, minRevision }: Freshness,
  reading: Reading,
): HttpReply | Promise<HttpReply> {
  if (stale && reading.context.node.isQuarantined) return notDone({ reason: "Quarantined" });
  if (stale) return answerAtRevision(minRevision, { ...reading, answer: () => answerWithAge(reading) });
  return new Promise((resolve, reject) => {
    reading.context.node.read((outcome) => {
      if (outcome.type === "NotDone") return resolve(readNotDone(outcome, reading.context.node));
      try {
        resolve(answerAtRevision(minRevision, reading));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** What is read asks nobody, so the reply tells how old it is at most. */
function answerWithAge({ context: { node }, answer }: Reading): HttpReply | Promise<HttpReply> {
  const ageMs = node.ageMs();
  const header = [STALE_AGE, ageMs === undefined ? "unknown" : String(ageMs)] as const;
  const withAge = (reply: HttpReply): HttpReply => ({ ...reply, headers: [...reply.headers, header] });
  const reply = answer();
  return reply instanceof Promise ? reply.then(withAge) : withAge(reply);
}

/** The header of stale readings; see `NodeReader.ageMs`. */
export const STALE_AGE = "X-KV-Stale-Age-Ms";

function answerAtRevision(
  minRevision: number,
  { context: { node, clock }, answer }: Reading,
): HttpReply | Promise<HttpReply> {
  if (node.changes.newest >= minRevision) return answer();
  return new Promise((resolve, reject) => {
    const finish = (reply: () => HttpReply | Promise<HttpReply>) => {
      timer.cancel();
      end();
      try {
        resolve(reply());
      } catch (error) {
        reject(error);
      }
    };
    const timer = clock.after(REVISION_TIMEOUT_MS, () => finish(() => notReached(minRevision, node.changes.newest)));
    const end = node.changes.watch({
      changed: () => {
        if (node.changes.newest >= minRevision) finish(answer);
      },
      ended: () => finish(() => notDone({ reason: "Stopping" })),
    });
  });
}

function notReached(minRevision: number, newest: number): HttpReply {
  const detail = `Revision ${minRevision} was not reached in time; this node has applied ${newest}`;
  return problem({ status: 504, code: "revision_not_reached", detail, headers: [["Retry-After", "1"]] });
}
