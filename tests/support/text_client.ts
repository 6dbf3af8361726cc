/** A client of the text protocol: sends lines, awaits the replies in order, each with a deadline. */

import { byteStringToText, textToByteString } from "../../lib/base/bytes.ts";
import { ByteConnection } from "./byte_connection.ts";

/** One connection. Requests may be sent before the replies to earlier ones have come. */
export class TextClient implements Disposable {
  readonly #connection: ByteConnection;

  private constructor(connection: ByteConnection) {
    this.#connection = connection;
  }

  /** Connects to 127.0.0.1. `timeoutMs` (default 30 000) is the deadline of each reply. */
  static async connect(port: number, options: { readonly timeoutMs?: number } = {}): Promise<TextClient> {
    return new TextClient(await ByteConnection.connect(port, options.timeoutMs));
  }

  /** Whether the connection has ended, by either side. */
  get closed(): boolean {
    return this.#connection.closed;
  }

  /** Sends raw text and awaits nothing. */
  send(text: string): void {
    this.#connection.send(textToByteString(text));
  }

  /** Sends one line; the reply is one line. */
  async ask(line: string): Promise<string> {
    const lines = this.expect(false);
    this.send(`${line}\n`);
    return (await lines)[0] ?? "";
  }

  /** Sends one line; the reply is several lines, without the empty one at its end. */
  askBlock(line: string): Promise<string[]> {
    const lines = this.expect(true);
    this.send(`${line}\n`);
    return lines;
  }

  /** Awaits the next reply without sending anything: a line, or a block of several. */
  expect(block: boolean): Promise<string[]> {
    return this.#connection.expect(block ? readBlock : readLine);
  }

  /** Closes the connection; replies still awaited are rejected. */
  close(): void {
    this.#connection.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

interface ReadLines {
  readonly reply: string[];
  readonly end: number;
}

function readLine(received: string, start: number): ReadLines | undefined {
  const end = received.indexOf("\n", start);
  return end < 0 ? undefined : { reply: [lineOf(received.slice(start, end))], end: end + 1 };
}

/** Lines up to an empty one; an error is one line all the same. */
function readBlock(received: string, start: number): ReadLines | undefined {
  if (received.startsWith("Error: ", start)) return readLine(received, start);
  const reply: string[] = [];
  for (let line = readLine(received, start); line !== undefined; line = readLine(received, line.end)) {
    if (line.reply[0] === "") return { reply, end: line.end };
    reply.push(...line.reply);
  }
  return undefined;
}

function lineOf(bytes: string): string {
  const line = bytes.endsWith("\r") ? bytes.slice(0, -1) : bytes;
  return byteStringToText(line) ?? line;
}

/** Asks one question over a connection of its own. */
export async function askOnce(port: number, line: string): Promise<string> {
  using client = await TextClient.connect(port);
  return await client.ask(line);
}

/** Asks for a reply of several lines over a connection of its own. */
export async function askBlockOnce(port: number, line: string): Promise<string[]> {
  using client = await TextClient.connect(port, { timeoutMs: 10_000 });
  return await client.askBlock(line);
}

/** The `Name: value` lines of an admin reply by name; the first of a name counts. Lines are taken without indentation. */
export function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(": ");
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim();
    if (!fields.has(name)) fields.set(name, line.slice(colon + 2).trim());
  }
  return fields;
}

/** A field as a number: digit separators and what follows the number are dropped. Throws when there is none. */
export function numberOf(fields: ReadonlyMap<string, string>, name: string): number {
  const match = /^-?[\d,_]*\.?\d+/.exec(fields.get(name) ?? "");
  if (match === null) throw new Error(`Cannot read a number from field "${name}": ${fields.get(name) ?? "absent"}`);
  return Number(match[0].replace(/[,_]/g, ""));
}
