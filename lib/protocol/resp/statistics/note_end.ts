/** Tells the statistics how a request ended, and of EXEC how each command of its queue did. */

import { isErrorReply } from "../../../kv/replies.ts";
import type { Conversation } from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";
import { QUEUED } from "../transaction.ts";

/** What a request was. */
export interface EndedRequest {
  /** Its number in the table of commands. */
  readonly kind: number;
  readonly words: Words;
  readonly isRejected: boolean;
}

/** What became of it. */
export interface RequestEnd {
  readonly reply: RespReply;
  readonly seconds: number;
  readonly conversation: Conversation;
}

/** A request has its reply. */
export function noteEnd(request: EndedRequest, end: RequestEnd): void {
  const { kind, words, isRejected } = request;
  const { context: { statistics }, client } = end.conversation;
  const { reply, seconds } = end;
  const isError = noteError(reply, end);
  if (isRejected) return statistics.commands.rejected(kind);
  // A queued command is done by EXEC, and then it counts.
  if (reply === QUEUED) return;
  statistics.done({ number: kind, words, seconds, isError, client });
  if (client.executed.length === 0) return;
  // Their effect came with the entry of EXEC, and their replies with its reply: each took as long.
  for (const executed of client.executed) {
    statistics.done({ ...executed, seconds, isError: noteError(executed.reply, end), client });
  }
  client.executed = [];
}

function noteError(reply: RespReply, { conversation }: RequestEnd): boolean {
  if (!isErrorReply(reply)) return false;
  conversation.context.statistics.errors.count(reply.error);
  return true;
}
