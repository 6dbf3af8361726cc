/** RESP as the scripted server speaks it: byte strings, one character per byte. */

/** A status. */
export function status(text: string): string {
  return `+${text}\r\n`;
}

/** The usual status. */
export const OK = status("OK");

/** An error with its code in front. */
export function error(text: string): string {
  return `-${text}\r\n`;
}

/** An integer. */
export function integer(value: number | bigint): string {
  return `:${value}\r\n`;
}

/** Nothing, in RESP3. */
export const NOTHING = "_\r\n";

/** A byte string, or nothing. */
export function bulk(value: string | undefined): string {
  return value === undefined ? NOTHING : `$${value.length}\r\n${value}\r\n`;
}

/** A list of replies. */
export function list(items: readonly string[]): string {
  return `*${items.length}\r\n${items.join("")}`;
}

/** Reads whole requests from the front of `input`; returns them and what is left. */
export function readRequests(input: string): { readonly requests: readonly string[][]; readonly rest: string } {
  const requests: string[][] = [];
  let at = 0;
  for (;;) {
    const request = readRequest(input, at);
    if (request === undefined) return { requests, rest: input.slice(at) };
    requests.push(request.words);
    at = request.end;
  }
}

function readRequest(input: string, start: number): { readonly words: string[]; readonly end: number } | undefined {
  const head = readCount(input, start, "*");
  if (head === undefined) return undefined;
  const words: string[] = [];
  let at = head.end;
  for (let word = 0; word < head.count; word++) {
    const length = readCount(input, at, "$");
    if (length === undefined || input.length < length.end + length.count + 2) return undefined;
    words.push(input.slice(length.end, length.end + length.count));
    at = length.end + length.count + 2;
  }
  return { words, end: at };
}

function readCount(
  input: string,
  at: number,
  mark: string,
): { readonly count: number; readonly end: number } | undefined {
  const end = input.indexOf("\r\n", at);
  if (end === -1) return undefined;
  if (input[at] !== mark) {
    throw new Error(`Expected ${mark} in a request, found ${JSON.stringify(input.slice(at, end))}`);
  }
  return { count: Number(input.slice(at + 1, end)), end: end + 2 };
}
