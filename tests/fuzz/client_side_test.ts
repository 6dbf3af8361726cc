/** What the client reads: arguments, lines, replies, files. Nothing a server, a terminal or a file says breaks it. */

import { stringToBytes, textToByteString } from "../../lib/base/bytes.ts";
import type { Random } from "../../lib/base/random.ts";
import { History } from "../../lib/cli/shell/history.ts";
import { linesOf } from "../../lib/cli/shell/lines.ts";
import { lineOfArguments } from "../../lib/cli/shell/quoting.ts";
import { classifyReply, exitCodeOf, namedLeader } from "../../lib/cli/shell/reply.ts";
import { findClientAddress, type Session } from "../../lib/cli/shell/session.ts";
import { Shell } from "../../lib/cli/shell/shell.ts";
import { completions, firstWord, traitsOf, VOCABULARY } from "../../lib/cli/shell/vocabulary.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { onOneLine } from "../../lib/cli/log.ts";
import { forEachLine } from "../../lib/cluster/node_process.ts";
import { findPortHolder } from "../../lib/cluster/port_holder.ts";
import { readStatus } from "../../lib/cluster/probe.ts";
import { readLine } from "../../lib/protocol/text/line_meaning.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyText, mutate, mutateMost } from "./mutators.ts";
import { waysToSplit } from "./splits.ts";
import { assertLinear } from "./timing.ts";

const NAMED = /^(?:-k|-v|--key|--value)(?:$|=)/;
const WORDS: readonly string[] = VOCABULARY.flatMap(({ name, aliases }) => [name, ...aliases, name.toLowerCase()]);

fuzz("arguments as one line", {
  make: (random) => {
    const word = random.pick(["PUT", "set", "GET", "rm", ...WORDS, anyText(random, 8)]);
    return [
      random.chance(0.2) ? mutate(word, random, true) : word,
      ...Array.from({ length: random.below(4) }, () => anyText(random, 12)),
    ];
  },
  check: (args) => {
    let line: string;
    try {
      line = lineOfArguments(args);
    } catch (error) {
      if (error instanceof UsageError) return "refused";
      throw error;
    }
    require(!/[\u0100-\uffff]/.test(line) && !/[\r\n]/.test(line), `Not one line: ${JSON.stringify(line)}`);
    const request = readLine(line, undefined);
    const [word = "", key = "", ...value] = args;
    if (args.length < 2 || /[ \t\r]/.test(word) || key === "" || args.some((arg) => NAMED.test(arg))) return "line";
    const name = traitsOf(word).name;
    if (name === "PUT" && value.length > 0) {
      const command = { type: "Put", key: textToByteString(key), value: textToByteString(value.join(" ")) };
      requireSame(request, { type: "Write", command }, "What the server reads");
      return "put";
    }
    if (name === "GET" && value.length === 0) {
      requireSame(request, { type: "Read", key: textToByteString(key) }, "What the server reads");
      return "get";
    }
    return "line";
  },
  outcomes: ["refused", "line", "put", "get"],
});

const REPLIES: readonly string[] = [
  "key1 added successfully.",
  "value of key1: v",
  "Error: key1 does not exist.",
  "Error: Not leader. Current leader is Node 1",
  "Error: No leader. Reachable 1 of 3 nodes, need 2. No other node answers. Start node 1 or 2, or mend the network.",
  "Error: Outcome unknown. The write may or may not take effect.",
  "Error: Usage: PUT <key> <value>",
  "Status\nNode ID: 1\nRole: Leader\nLeader ID: 1\n",
  "Cluster\nNode 0: 127.0.0.1:5000, Follower\nNode 1: [::1]:5001, Leader, term 3\n",
];

fuzz("replies of a server", {
  make: (random) => ({ word: random.pick(WORDS), reply: mutateMost((source) => source.pick(REPLIES), random) }),
  check: ({ word, reply }) => {
    const kind = classifyReply(traitsOf(word), reply);
    require(Number.isInteger(exitCodeOf(kind)), "An exit code");
    if (kind !== "Done") require(reply.startsWith("Error: "), `${kind} of ${reply}`);
    for (const id of [namedLeader(reply), readStatus(reply).nodeId, readStatus(reply).leaderId]) {
      require(id === undefined || (Number.isSafeInteger(id) && id >= 0), `Id ${id}`);
    }
    const address = findClientAddress(reply, 1);
    require(address === undefined || (address.port >= 1 && address.port <= 65_535), "A port");
    return kind;
  },
  outcomes: ["Done", "NotFound", "NotLeader", "NoLeader", "Unknown", "Usage", "Failed"],
});

/** Lines that a person or a script types. */
function anyTyped(random: Random): string {
  const lines = [
    "GET a",
    "PUT a b",
    "!!",
    "!1",
    "HISTORY",
    "WATCH 1",
    "CLEAR",
    "EXIT",
    "",
    "  GET a \r",
    "!99",
    "LOGS 5",
  ];
  return mutateMost((source) => source.pick(lines), random);
}

fuzz("lines typed into the shell", {
  make: (random) => Array.from({ length: random.between(1, 4) }, () => anyTyped(random)),
  check: async (lines) => {
    let shown = "";
    const asked: string[] = [];
    const session = {
      run: (line: string) => {
        asked.push(line);
        return Promise.resolve({ kind: "Done", reply: "reply", via: undefined });
      },
    };
    const shell = new Shell({
      session: session as unknown as Session,
      history: new History(undefined),
      out: (text) => shown += text,
      err: (text) => shown += text,
      interactive: false,
      pause: () => Promise.resolve(false),
    });
    let left = false;
    for (const line of lines) {
      const { exitCode, leave } = await shell.run(line);
      require(Number.isInteger(exitCode), "An exit code");
      left ||= leave;
    }
    require(shown === "" || shown.endsWith("\n") || shown.endsWith("H"), "What is shown ends its line");
    return left ? "left" : asked.length > 0 ? "asked" : "own";
  },
  outcomes: ["left", "asked", "own"],
});

async function* streamOf(pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(stringToBytes(piece));
}

async function collect(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

async function processLines(pieces: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  await forEachLine(streamOf(pieces), (line) => lines.push(line));
  return lines;
}

fuzz("scripts and the output of nodes", {
  make: (random) => mutateMost(() => "PUT a \xc3\xbc\r\nGET \xe2\x82\xaca\n\nlast", random),
  check: async (bytes, random) => {
    const lines = await collect(linesOf(streamOf([bytes])));
    const expected = bytes.split("\n");
    if (expected.at(-1) === "") expected.pop();
    requireSame(lines, expected, "The lines of a script");
    const output = await processLines([bytes]);
    for (const way of waysToSplit(bytes, random)) {
      requireSame(await collect(linesOf(streamOf(way))), lines, "Another split");
      requireSame(await processLines(way), output, "Another split of a node's output");
    }
    for (const line of output) require(!/\p{Cc}/u.test(onOneLine(line)), "A line of the log");
    return lines.length > 1 ? "lines" : "line";
  },
  outcomes: ["lines", "line"],
});

const TABLE = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
  "   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000\n";

fuzz("tables of the system", {
  make: (random) => mutateMost(() => TABLE, random, true),
  check: (text) => {
    const table = {
      readText: (path: string) => path.startsWith("/proc/net/") ? text : `${text.slice(0, 20)}\n`,
      list: (path: string) => path === "/proc" ? ["self", "12", "0x1"] : ["0", "1"],
      readLink: () => "socket:[4242]",
    };
    const holder = findPortHolder(5_000, table);
    if (holder === undefined) return "unknown";
    requireSame(holder.pid, 12, "The process");
    return "found";
  },
  outcomes: ["unknown", "found"],
});

fuzz("history files", {
  make: (random) => mutateMost(() => "GET a\nPUT b c\n\nGET a\n", random, true),
  check: (text) => {
    let saved = text;
    const files = { read: () => saved, write: (_path: string, content: string) => void (saved = content) };
    const history = new History("file", files);
    history.add("HELP");
    const lines = new History("file", files).lines;
    requireSame(lines, history.lines, "The history at the next start");
    requireSame(lines.at(-1), "HELP", "The command added last");
    require(completions(firstWord(text)).length <= VOCABULARY.length, "Completions");
    return "read";
  },
  outcomes: ["read"],
});

Deno.test("the client takes linear time, whatever it reads", async () => {
  for (const piece of [" ", "\t", "\r", "\n", "a", '"', "\\", ":", ": ", "Node 1: ", "Error: ", "!", "\u00e9", "9"]) {
    const make = (size: number) => `${piece.repeat(size)}x`;
    const what = JSON.stringify(piece);
    assertLinear(`arguments of ${what}`, { make, run: (text) => lineOfArguments(["PUT", text, text]) });
    for (const word of ["GET", "PUT", "DELETE"]) {
      assertLinear(`${word} with ${what}`, {
        make: (size) => `Error: ${make(size)}`,
        run: (text) => classifyReply(traitsOf(word), text),
      });
    }
    const readReply = (text: string) => [namedLeader(text), findClientAddress(text, 1), readStatus(text)];
    assertLinear(`a reply of ${what}`, { make, run: readReply });
    const table = (text: string) => ({ readText: () => text, list: () => [], readLink: () => "" });
    assertLinear(`a table of ${what}`, { make, run: (text) => findPortHolder(1, table(text)) });
    assertLinear(`a line of ${what}`, { make: (size) => `x${make(size)}`, run: (text) => traitsOf(text) });
    await linearShell(piece);
  }
});

/** The shell answers in a later turn, so its time is taken until it has begun to wait. */
async function linearShell(piece: string): Promise<void> {
  const waiting: Promise<unknown>[] = [];
  const session = { run: () => Promise.resolve({ kind: "Done", reply: "", via: undefined }) } as unknown as Session;
  const rest = { out: () => {}, err: () => {}, interactive: false, pause: () => Promise.resolve(false) };
  const run = (line: string) =>
    waiting.push(new Shell({ session, history: new History(undefined), ...rest }).run(line));
  assertLinear(`typing ${JSON.stringify(piece)}`, { make: (size) => `x${piece.repeat(size)}x`, run });
  await Promise.all(waiting);
}
