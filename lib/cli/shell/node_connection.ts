/** A connection of the shell to a node, once it is certain that a node of KVStore is at the other end. */

import { ForeignServerError, TextConnection } from "../../cluster/text_connection.ts";
import type { Endpoint } from "../../transport/address.ts";
import { quoteForPeople } from "../usage_error.ts";
import { type Connection, ForeignServerFailure } from "./connections.ts";

/** The first line of a node's STATUS; a node that refuses to talk says why in a line that begins with `Error: `. */
const GREETINGS = /^(Status$|Error: )/;
const SHOWN_CHARACTERS_MAX = 60;

/**
 * Connects and asks for STATUS, so that what another kind of server says is never taken for the answer to a command. Throws
 * `ConnectionLostError`, or `ForeignServerFailure` where something else listens.
 */
export async function openNode(endpoint: Endpoint, timeoutMs: number): Promise<Connection> {
  const connection = await TextConnection.open(endpoint, timeoutMs);
  try {
    await connection.request({ line: "STATUS", multiLine: true, timeoutMs, accepts: (line) => GREETINGS.test(line) });
    return connection;
  } catch (error) {
    if (!(error instanceof ForeignServerError)) throw error;
    throw new ForeignServerFailure(
      `${connection.address} is not the client port of a KVStore node: it answered ` +
        `${quoteForPeople(error.line.slice(0, SHOWN_CHARACTERS_MAX))}; --connect names others`,
    );
  }
}
