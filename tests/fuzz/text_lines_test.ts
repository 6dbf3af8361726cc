/** Lines of the text protocol: cut from the stream however it is split, taken apart, and never more than a refusal. */

import { textToByteString } from "../../lib/base/bytes.ts";
import type { Random } from "../../lib/base/random.ts";
import { LINE_BYTES_MAX } from "../../lib/protocol/text/limits.ts";
import { MemoryBudget } from "../../lib/net/memory_budget.ts";
import { readKey, readKeyAndValue } from "../../lib/protocol/text/arguments.ts";
import { TEXT_COMMANDS } from "../../lib/protocol/text/commands.ts";
import { History } from "../../lib/protocol/text/history.ts";
import { nextToken, tokenAt } from "../../lib/protocol/text/lexer.ts";
import { readLine } from "../../lib/protocol/text/line_meaning.ts";
import { LineReader } from "../../lib/protocol/text/line_reader.ts";
import { findRepetition } from "../../lib/protocol/text/repetition.ts";
import type { Request } from "../../lib/protocol/text/requests.ts";
import { isPrintable, quote, shorten, show } from "../../lib/protocol/text/show.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, anyText, mutate, mutateMost } from "./mutators.ts";
import { waysToSplit } from "./splits.ts";
import { assertLinear } from "./timing.ts";

/** What a reader makes of a stream: its lines, and what stops it. */
interface Reading {
  readonly lines: readonly string[];
  readonly problem: string | undefined;
  readonly unfinished: number | undefined;
}

function readLines(pieces: readonly string[]): Reading {
  const budget = new MemoryBudget(1_000_000_000);
  const reader = new LineReader(budget);
  const lines: string[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let line = reader.next(); line !== undefined; line = reader.next()) lines.push(line);
    require(budget.bytes <= 2 * (LINE_BYTES_MAX + 1), `An unfinished line takes ${budget.bytes} bytes`);
  }
  const { problem, unfinished } = reader;
  reader.clear();
  require(budget.bytes === 0, "Memory is not given back");
  return { lines, problem, unfinished };
}

fuzz("lines of a stream", {
  make: (random) => mutateMost(someLines, random),
  check: (stream, random) => {
    const whole = readLines([stream]);
    const parts = stream.split("\n");
    const last = parts.pop() ?? "";
    const expected = parts.map((part) => part.endsWith("\r") ? part.slice(0, -1) : part);
    const unfinished = last === "" ? undefined : expected.length;
    requireSame(whole, { lines: expected, problem: undefined, unfinished }, "The lines");
    for (const way of waysToSplit(stream, random)) requireSame(readLines(way), whole, "Another split");
    return last === "" ? "ended" : "open";
  },
  outcomes: ["ended", "open"],
});

function someLines(random: Random): string {
  return Array.from({ length: random.between(1, 4) }, () => `${anyBytes(random, 20)}${random.pick(["\n", "\r\n"])}`)
    .join("");
}

fuzz("lines about as long as allowed", {
  make: (random) => ({ length: LINE_BYTES_MAX + random.between(-2, 3), end: random.pick(["\n", "\r\n", "\r\r\n"]) }),
  check: ({ length, end }, random) => {
    const stream = `${"a".repeat(length)}${end}b\n`;
    const tooLong = length + end.length - (end === "\n" ? 1 : 2) > LINE_BYTES_MAX;
    // The carriage return and the end are what matters.
    const cuts = [random.below(stream.length), stream.length - random.between(1, 7)].sort((left, right) =>
      left - right
    );
    const [first = 0, second = 0] = cuts;
    const pieces = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)].filter((part) =>
      part !== ""
    );
    const { lines, problem } = readLines(pieces);
    requireSame([lines.length, problem], tooLong ? [0, "TooLong"] : [2, undefined], `${pieces.length} pieces`);
    return tooLong ? "too long" : "taken";
  },
  outcomes: ["too long", "taken"],
  share: 400,
});

fuzz("quoted bytes there and back", {
  make: (random) => anyBytes(random, random.chance(0.02) ? 3_000 : 30),
  check: (bytes, random) => {
    const quoted = quote(bytes);
    require(isPrintable(quoted) && isPrintable(show(bytes)), "What is shown is printable");
    requireSame(nextToken(quoted, 0), { type: "Token", text: bytes, quoted: true, end: quoted.length }, "The token");
    const key = `k${anyBytes(random, 10)}`;
    const line = ` ${quote(key)} ${quoted}`;
    requireSame(readKeyAndValue(line, 0), { type: "KeyValue", key, value: bytes }, "Key and value");
    requireSame(readKey(`\t${quote(key)} `, 0), { type: "KeyValue", key, value: "" }, "The key");
    requireSame(
      readKeyAndValue(`--value ${quoted} --key ${quote(key)}`, 0),
      { type: "KeyValue", key, value: bytes },
      "Flags",
    );
    const short = shorten(bytes, 40);
    require(isPrintable(short) && short.length <= 160, `Shortened to ${short}`);
    return show(bytes) === bytes ? "plain" : "quoted";
  },
  outcomes: ["plain", "quoted"],
});

const DOUBLE_QUOTED = /^"((?:[^"\\]|\\["\\nt]|\\x[0-9a-fA-F]{2})*)"(?:[ \t]|$)/s;
const SINGLE_QUOTED = /^'([^']*)'(?:[ \t]|$)/s;

fuzz("quoted arguments by another rule", {
  make: (random) => {
    const bytes = anyBytes(random, 12);
    return mutateMost(
      (source) => source.pick([`${quote(bytes)} x`, `'${bytes}'`, '"\\x4f\\n" "b"', '"', "''"]),
      random,
    );
  },
  check: (line) => {
    const token = tokenAt(line, 0);
    const matched = DOUBLE_QUOTED.exec(line) ?? SINGLE_QUOTED.exec(line);
    if (!/^["']/.test(line)) return "word";
    requireSame(token.type, matched === null ? "LexicalError" : "Token", "What another reader finds");
    if (token.type === "LexicalError") return "refused";
    requireSame(token.end, matched?.[0].trimEnd().length, "The end of the token");
    return "token";
  },
  outcomes: ["word", "refused", "token"],
});

const WORDS: readonly string[] = TEXT_COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases, name.toLowerCase()]);

function someLine(random: Random): string {
  const words = [random.chance(0.9) ? random.pick(WORDS) : anyBytes(random, 10)];
  for (let left = random.below(4); left > 0; left--) {
    const value = anyBytes(random, 10);
    words.push(
      random.pick([value, quote(value), `'${value}'`, "-k", "--key", "-v", "--value", `--key=${value}`, "12"]),
    );
  }
  return words.join(random.pick([" ", "\t", "  "])).replaceAll("\n", "");
}

/** What a line must lead to, whatever it is. */
function judge(request: Request): string {
  if (request.type === "Write" || request.type === "Read") {
    const key = request.type === "Write" ? request.command.key : request.key;
    require(key !== "", "A key must not be empty");
  }
  if (request.type === "Refused") require(isPrintable(request.reply), `Refused with ${JSON.stringify(request.reply)}`);
  if (request.type === "Refused") require(request.reply.length < 400, "A refusal is short");
  if (request.type === "Watch") require(request.seconds >= 1 && request.seconds <= 3_600, `${request.seconds} s`);
  return request.type;
}

fuzz("what lines ask for", {
  make: (random) => mutateMost(someLine, random),
  check: (line) => {
    const request = readLine(line, 8_000);
    requireSame(readLine(line, 8_000), request, "The same line asks for the same");
    return judge(request);
  },
  outcomes: ["Write", "Read", "Report", "Snapshot", "Watch", "Login", "Exit", "Refused"],
});

fuzz("HTTP requests on the text port", {
  make: (random) => {
    const pieces = ["GET / HTTP/1.1", "POST /x HTTP/1.0", "host: example", "GET \t/ \tHTTP/2", "Get /index HTTP/1.1 x"];
    return mutateMost((source) => source.pick(pieces), random);
  },
  check: (line) => {
    const request = readLine(line, undefined);
    judge(request);
    if (request.type === "HangUp") return request.reply === undefined ? "closed at once" : "closed with a reply";
    return "not HTTP";
  },
  outcomes: ["closed at once", "closed with a reply", "not HTTP"],
});

fuzz("repetitions", {
  make: (random) => ({
    lines: Array.from({ length: random.below(4) }, () => anyBytes(random, 12)),
    word: mutate(random.pick(["!!", "!1", "!2", "!3", "!999999999999999"]), random),
  }),
  check: ({ lines, word }) => {
    const history = new History(new MemoryBudget(1_000_000));
    for (const line of lines) history.add(line, line.length);
    const found = findRepetition(`!${word}`, history);
    if (found.type === "NoRepetition") {
      require(isPrintable(found.reply) && found.reply.length < 300, `Refused with ${found.reply}`);
      return "unknown";
    }
    require(lines.includes(found.line) && found.line !== "", "A line that nobody wrote");
    require(isPrintable(found.announcement), "The announcement is one line");
    return "found";
  },
  outcomes: ["unknown", "found"],
});

fuzz("texts as byte strings", {
  make: (random) => anyText(random, 40),
  check: (text) => {
    const bytes = textToByteString(text);
    require(!/[\u0100-\uffff]/.test(bytes) && isPrintable(show(bytes)), "A byte string that can be shown");
    return judge(readLine(`PUT k ${bytes.replaceAll("\n", "")}`, undefined));
  },
  outcomes: ["Write", "Refused"],
});

Deno.test("lines take linear time, whatever they hold", () => {
  const meaning = (line: string) => readLine(line, undefined);
  const pieces = [
    '"',
    "'",
    "\\",
    '\\"',
    "\\x41",
    " ",
    "\t",
    "a ",
    "-k ",
    "--key=",
    "=",
    "\xff",
    "\xe2\x82\xac",
    "\0",
    "!",
  ];
  for (const piece of pieces) {
    for (const start of ["PUT ", 'PUT k "', "GET ", "DELETE --key ", "", "GET / "]) {
      const make = (size: number) => start + piece.repeat(size);
      assertLinear(`${JSON.stringify(start)} and ${JSON.stringify(piece)}`, { make, run: meaning });
      assertLinear(`${JSON.stringify(piece)}, then x`, { make: (size) => `${make(size)} x`, run: meaning });
    }
    assertLinear(`showing ${JSON.stringify(piece)}`, { make: (size) => piece.repeat(size), run: show });
    assertLinear(`shortening ${JSON.stringify(piece)}`, {
      make: (size) => piece.repeat(size),
      run: (text) => shorten(text, 40),
    });
  }
  const stream = (size: number) => "ab\n".repeat(size);
  assertLinear("short lines", { make: (size) => [stream(size)], run: readLines, size: 16_384 });
  assertLinear("byte by byte", { make: (size) => Array.from(stream(size)), run: readLines, size: 16_384 });
  assertLinear("one line byte by byte", { make: (size) => Array.from("a".repeat(size)), run: readLines, size: 16_384 });
});
