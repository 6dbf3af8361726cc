/** Which sockets are used, by the runtime that the program finds itself in. */

import type { Trust } from "../base/dial.ts";
import { connectByDeno } from "./deno_socket.ts";
import { connectByNode } from "./node_socket.ts";
import type { Connector } from "./socket.ts";

/** Deno's own sockets where there are any, else Node's; with TLS where it is said whom to believe. */
export function platformConnector(trust?: Trust): Connector {
  const connect = typeof Deno === "undefined" ? connectByNode : connectByDeno;
  return (address, options) => connect(address, { ...options, trust });
}
