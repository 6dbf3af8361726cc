/** Requests of Redis's protocol, read as a server reads them: arrays of byte strings and nothing else. */

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
  const line = input.slice(at, end < 0 ? undefined : end);
  if (line !== "" && !line.startsWith(mark)) throw new Error(`Expected ${mark} in a request: ${line.slice(0, 40)}`);
  if (end < 0) return undefined;
  if (!/^.[0-9]+$/.test(line)) throw new Error(`Expected a number in a request: ${line.slice(0, 40)}`);
  return { count: Number(line.slice(1)), end: end + 2 };
}
