/** A request of the text protocol, and its reply once it is known. */

import type { Turn } from "../conversation/interpreter.ts";
import type { Request } from "./requests.ts";

/** From the line to the reply. */
export interface Exchange {
  readonly request: Request;
  /** The key of a read as its reply shows it. */
  keyText: string;
  /** What a read found: made readable only when there is room to send it. */
  value: string | undefined;
  /** One or more lines with their ends; a byte string. */
  reply: string | undefined;
}

/** What stands where nothing was asked. */
export const NOTHING: Request = { type: "Nothing" };

/** A request without a reply. */
export function exchangeOf(request: Request): Exchange {
  return { request, keyText: "", value: undefined, reply: undefined };
}

/** The key that it is about; "" for none. */
export function keyOf({ request }: Exchange): string {
  return request.type === "Write" ? request.command.key : request.type === "Read" ? request.key : "";
}

/** When a request may begin. */
export const TURNS: Readonly<Record<Request["type"], Turn>> = {
  Nothing: "Now",
  Write: "Write",
  Read: "Read",
  StaleRead: "Alone",
  Report: "Alone",
  Snapshot: "Alone",
  Member: "Alone",
  Watch: "Alone",
  Login: "Alone",
  Exit: "Alone",
  Refused: "Now",
  HangUp: "Now",
};
