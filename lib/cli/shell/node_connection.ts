/** A connection of the shell to a node, once it is certain that a node of KVStore is at the other end. */

import { textToByteString } from "../../base/bytes.ts";
import { TOKEN_USER } from "../../access/tokens.ts";
import { speaksTls, TlsError, type Trust } from "../../base/dial.ts";
import { ForeignServerError, TextConnection } from "../../cluster/text_connection.ts";
import type { Endpoint } from "../../transport/address.ts";
import { TLS_PROBE_MS, tlsFailureLine, tlsIsSpokenLine } from "../client_tls.ts";
import type { Credentials } from "../credentials.ts";
import { Failure } from "../failures.ts";
import { quoteForPeople } from "../usage_error.ts";
import { type Connect, type Connection, ForeignServerFailure } from "./connections.ts";

/** The first line of a node's STATUS; a node that refuses to talk says why in a line that begins with `Error: `. */
const GREETINGS = /^(Status$|Error: )/;
const REFUSAL = "Error: ";
const SHOWN_CHARACTERS_MAX = 60;

/** How a node is reached, and as whom; nobody logs in where there are no credentials. */
export interface NodeLogin {
  readonly trust?: Trust | undefined;
  readonly credentials?: Credentials | undefined;
}

/** `openNode` with all of that. */
export function openNodeAs(login: NodeLogin): Connect {
  return (endpoint, timeoutMs) => openNode(endpoint, timeoutMs, login);
}

/**
 * Connects and asks for STATUS, so that what another kind of server says is never taken for the answer to a command. Throws
 * `ConnectionLostError`, or `ForeignServerFailure` where something else listens, or TLS cannot be had, or is missing.
 */
export async function openNode(
  endpoint: Endpoint,
  timeoutMs: number,
  { trust, credentials }: NodeLogin = {},
): Promise<Connection> {
  const connection = await connect(endpoint, { timeoutMs, trust });
  const accepts = (line: string) => GREETINGS.test(line);
  try {
    if (credentials !== undefined) await logIn(connection, { credentials, timeoutMs });
    // One that speaks TLS alone refuses whatever comes without it.
    const reply = await connection.request({ line: "STATUS", multiLine: true, timeoutMs, accepts });
    if (trust !== undefined || !reply.startsWith(REFUSAL) || !await speaksTls(endpoint, TLS_PROBE_MS)) {
      return connection;
    }
  } catch (error) {
    if (error instanceof Failure) connection.close();
    if (!(error instanceof ForeignServerError)) throw error;
    throw new ForeignServerFailure(
      `${connection.address} is not the client port of a KVStore node: it answered ` +
        `${quoteForPeople(error.line.slice(0, SHOWN_CHARACTERS_MAX))}; --connect names others`,
    );
  }
  connection.close();
  throw new ForeignServerFailure(tlsIsSpokenLine(connection.address));
}

async function connect(
  endpoint: Endpoint,
  { timeoutMs, trust }: { readonly timeoutMs: number; readonly trust: Trust | undefined },
): Promise<TextConnection> {
  try {
    return await TextConnection.open(endpoint, timeoutMs, { trust });
  } catch (error) {
    if (error instanceof TlsError) throw new ForeignServerFailure(tlsFailureLine(error));
    throw error;
  }
}

/** Where there are no users nobody has to log in. Throws `Failure` when user or password are wrong. */
async function logIn(
  connection: TextConnection,
  { credentials: { name, password }, timeoutMs }: { readonly credentials: Credentials; readonly timeoutMs: number },
): Promise<void> {
  if (/\s/.test(password)) throw new Failure("A password with a blank cannot be told in the text protocol");
  const line = `AUTH ${textToByteString(name)} ${textToByteString(password)}`;
  const reply = await connection.request({ line, multiLine: false, timeoutMs });
  if (reply.startsWith("Error: Wrong")) {
    throw new Failure(
      name === TOKEN_USER
        ? "The token was revoked, has expired or never was one"
        : `The password of ${name} is not right, or there is no such user`,
    );
  }
}
