/** Which sockets are used, by the runtime that the program finds itself in. */

import { connectByDeno } from "./deno_socket.ts";
import { connectByNode } from "./node_socket.ts";
import type { Connector } from "./socket.ts";

/** Deno's own sockets where there are any, else Node's. */
export function platformConnector(): Connector {
  return typeof Deno === "undefined" ? connectByNode : connectByDeno;
}
