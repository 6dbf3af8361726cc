/** Tells the statistics how a request ended, and of EXEC how each command of its queue did. On the way of every command. */

import { isErrorReply } from "../../../kv/replies.ts";
import type { Caller } from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";
import { QUEUED } from "../transaction.ts";

/** What a request was, and how long it took. */
export interface EndedRequest {
  /** Its number in the table of commands. */
  readonly kind: number;
  readonly words: Words;
  readonly isRejected: boolean;
  readonly seconds: number;
}

/** A request has its reply. */
export function noteEnd(request: EndedRequest, reply: RespReply, caller: Caller): void {
  const { statistics } = caller.context;
  const isError = isErrorReply(reply);
  if (isError) statistics.errors.count(reply.error);
  if (request.isRejected) return statistics.commands.rejected(request.kind);
  // A queued command is done by EXEC, and then it counts.
  if (reply === QUEUED) return;
  statistics.done(request, caller.client, isError);
  if (caller.client.executed.length > 0) noteExecuted(request, caller);
}

/** Their effect came with the entry of EXEC, and their replies with its reply: each took as long. */
function noteExecuted({ seconds }: EndedRequest, { client, context: { statistics } }: Caller): void {
  for (const { number, words, reply } of client.executed) {
    const isError = isErrorReply(reply);
    if (isError) statistics.errors.count(reply.error);
    statistics.done({ kind: number, words, isRejected: false, seconds }, client, isError);
  }
  client.executed = [];
}
