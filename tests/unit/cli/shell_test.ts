import { assert, assertEquals } from "@std/assert";
import { History, type HistoryFiles, historyPath } from "../../../lib/cli/shell/history.ts";
import { linesOf } from "../../../lib/cli/shell/lines.ts";
import type { Answer, Session } from "../../../lib/cli/shell/session.ts";
import { Shell } from "../../../lib/cli/shell/shell.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { ForeignServerFailure } from "../../../lib/cli/shell/connections.ts";
import { runOne, runScript } from "../../../lib/cli/cli_command.ts";
import { fakeSurroundings } from "./support.ts";

/** A session that answers from a table and remembers what it was asked. */
class FakeSession implements Pick<Session, "run" | "close" | "describe"> {
  readonly asked: string[] = [];
  readonly #answers: Readonly<Record<string, Partial<Answer>>>;

  constructor(answers: Readonly<Record<string, Partial<Answer>>> = {}) {
    this.#answers = answers;
  }

  run(line: string): Promise<Answer> {
    this.asked.push(line);
    if (line === "GET foreign") return Promise.reject(new ForeignServerFailure("5000 is not KVStore"));
    if (line === "GET lost") return Promise.reject(new Failure("Lost the connection"));
    return Promise.resolve({ kind: "Done", reply: `reply to ${line}`, via: undefined, ...this.#answers[line] });
  }

  describe(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): void {}
}

function stage(answers: Readonly<Record<string, Partial<Answer>>> = {}, pauses: boolean[] = []) {
  const session = new FakeSession(answers);
  let shown = "";
  const shell = new Shell({
    session: session as unknown as Session,
    history: new History(undefined),
    out: (text) => shown += text,
    err: (text) => shown += `! ${text}`,
    interactive: true,
    pause: () => Promise.resolve(pauses.shift() ?? false),
  });
  const run = async (...lines: string[]) => {
    shown = "";
    const results = [];
    for (const line of lines) results.push(await shell.run(line));
    return { shown, asked: session.asked, last: results.at(-1) };
  };
  return { run };
}

Deno.test("a line is sent without the blanks around it and its reply shown", async () => {
  const { shown, asked, last } = await stage().run("  GET a \r");
  assertEquals([shown, asked, last], ["reply to GET a\n", ["GET a"], { exitCode: 0, leave: false }]);
  assertEquals((await stage().run("PUT k caf\xc3\xa0")).asked, ["PUT k caf\xc3\xa0"], "the byte A0 is no blank");
  assertEquals((await stage().run("   ")).asked, []);
});

Deno.test("a long run of blanks inside a line costs no more than other bytes", async () => {
  const line = `PUT k a${" ".repeat(200_000)}b`;
  let fastestMs = Infinity;
  for (let attempt = 0; attempt < 5 && fastestMs >= 2_000; attempt++) {
    const begun = performance.now();
    assertEquals((await stage().run(`${line}\r\n`)).asked, [line]);
    fastestMs = Math.min(fastestMs, performance.now() - begun);
  }
  // A millisecond, whatever else the machine does; a search that begins anew at each blank takes half a minute.
  assert(fastestMs < 2_000, `${fastestMs} ms`);
});

Deno.test("a write done elsewhere says where, and a failure is a line and goes on", async () => {
  const answers = { "PUT a b": { reply: "a added successfully.", via: "127.0.0.1:5002" } };
  const { shown } = await stage(answers).run("PUT a b", "GET lost", "GET a");
  assertEquals(
    shown,
    "a added successfully.\n(done by the leader, 127.0.0.1:5002)\n! kvstore: Lost the connection\nreply to GET a\n",
  );
});

Deno.test("the history is numbered and its commands can be repeated", async () => {
  const { shown, asked, last } = await stage().run("GET a", "GET b", "!1", "!!", "HISTORY", "!99", "!x");
  assertEquals(
    shown,
    "reply to GET a\nreply to GET b\nRepeating: GET a\nreply to GET a\nRepeating: GET a\nreply to GET a\n" +
      "1  GET a\n2  GET b\n3  GET a\n4  HISTORY\n" +
      "Error: There is no command !99 in the history. HISTORY lists what there is.\nreply to !x\n",
  );
  assertEquals(asked, ["GET a", "GET b", "GET a", "GET a", "!x"]);
  assertEquals(last?.exitCode, 0);
  assertEquals((await stage().run("!!")).last, { exitCode: 2, leave: false });
});

Deno.test("EXIT and its aliases leave, CLEAR clears", async () => {
  for (const line of ["EXIT", "quit", "Q", "bye"]) {
    const { shown, asked, last } = await stage().run(line);
    assertEquals([shown, asked, last], ["Goodbye.\n", [], { exitCode: 0, leave: true }], line);
  }
  assertEquals((await stage().run("clear")).shown, "\x1b[2J\x1b[3J\x1b[H");
});

Deno.test("WATCH asks for METRICS until the user wants something else", async () => {
  const { shown, asked } = await stage({}, [true, true, false]).run("WATCH 1");
  assertEquals(asked, ["METRICS", "METRICS", "METRICS"]);
  assertEquals(shown, "reply to METRICS\n\nreply to METRICS\n\nreply to METRICS\n");
  for (const line of ["WATCH 0", "WATCH 3601", "WATCH x", "WATCH 1 2", "WATCH -1"]) {
    const refused = await stage().run(line);
    assertEquals([refused.shown, refused.last?.exitCode], ["Error: Usage: WATCH [seconds]\n", 2], line);
  }
});

Deno.test("one command prints its reply and tells its outcome by the exit code", async () => {
  const cases: [kind: Answer["kind"], exitCode: number][] = [
    ["Done", 0],
    ["NotFound", 3],
    ["NoLeader", 5],
    ["NotLeader", 5],
    ["Unknown", 6],
    ["Usage", 2],
    ["Failed", 1],
  ];
  for (const [kind, exitCode] of cases) {
    const surroundings = fakeSurroundings();
    const session = new FakeSession({ "GET k": { kind, reply: "caf\xc3\xa9" } }) as unknown as Session;
    assertEquals(await runOne(session, { operands: ["GET", "k"], surroundings }), exitCode, kind);
    assertEquals([surroundings.output(), surroundings.errors()], ["café\n", ""]);
  }
});

Deno.test("a script runs to its end, and its exit code is that of the first failure", async () => {
  const surroundings = fakeSurroundings();
  const session = new FakeSession({
    "GET a": { kind: "NotFound", reply: "no" },
    "PUT": { kind: "Usage", reply: "usage" },
  });
  const lines = linesOf(
    ReadableStream.from([new TextEncoder().encode("GET b\nGET a\n\nPUT\nEX"), new TextEncoder().encode("IT\nGET c")]),
  );
  assertEquals(await runScript(session as unknown as Session, { lines, surroundings }), 3);
  assertEquals(surroundings.output(), "reply to GET b\nno\nusage\nGoodbye.\n");
});

Deno.test("the history file keeps the newest thousand lines, and its failure stops nothing", () => {
  let text = Array.from({ length: 1_200 }, (_, at) => `GET ${at}\n`).join("");
  const files: HistoryFiles = { read: () => text, write: (_, written) => text = written };
  const history = new History("h", files);
  assertEquals([history.lines.length, history.lines[0]], [1_000, "GET 200"]);
  history.add("GET new");
  history.add("GET new");
  assertEquals(text.split("\n").slice(-4), ["GET 1198", "GET 1199", "GET new", ""]);
  assertEquals(text.split("\n").length, 1_001);

  const broken: HistoryFiles = {
    read: () => {
      throw new Deno.errors.NotFound("no");
    },
    write: () => {
      throw new Deno.errors.PermissionDenied("no");
    },
  };
  const lonely = new History("h", broken);
  lonely.add("GET a");
  lonely.add("GET b");
  assertEquals(lonely.lines, ["GET a", "GET b"]);
});

Deno.test("the history file is readable by its owner only", () => {
  const directory = Deno.makeTempDirSync();
  try {
    const path = `${directory}/history`;
    Deno.writeTextFileSync(path, "GET old\n", { mode: 0o644 });
    new History(path).add("PUT k secret");
    assertEquals(Deno.readTextFileSync(path), "GET old\nPUT k secret\n");
    if (Deno.build.os !== "windows") assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("where the history is kept", () => {
  const cases: [environment: Record<string, string>, path: string | undefined][] = [
    [{ HOME: "/users/a" }, "/users/a/.kvstore_history"],
    [{ HOME: "/users/a", KVSTORE_HISTORY: "/tmp/h" }, "/tmp/h"],
    [{ HOME: "/users/a", KVSTORE_HISTORY: "" }, undefined],
    [{}, undefined],
  ];
  for (const [environment, path] of cases) assertEquals(historyPath((name) => environment[name]), path);
});

Deno.test("a script on a port of something else ends at its first command, with one line and exit code 1", async () => {
  const surroundings = fakeSurroundings();
  const session = new FakeSession();
  const lines = linesOf(ReadableStream.from([new TextEncoder().encode("GET foreign\nGET foreign\nGET a\n")]));
  assertEquals(await runScript(session as unknown as Session, { lines, surroundings }), 1);
  assertEquals([surroundings.output(), surroundings.errors()], ["", "kvstore: 5000 is not KVStore\n"]);
});
