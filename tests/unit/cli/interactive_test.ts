import { PassThrough } from "node:stream";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { History } from "../../../lib/cli/shell/history.ts";
import { runInteractive } from "../../../lib/cli/shell/interactive.ts";
import { ForeignServerFailure } from "../../../lib/cli/shell/connections.ts";
import type { Answer, Session } from "../../../lib/cli/shell/session.ts";

const PROMPT = "kvstore 1 (Follower)> ";

/** A terminal whose keys the test presses, on a session that answers at once. */
class Stage {
  readonly asked: string[] = [];
  readonly exit: Promise<number>;
  shown = "";
  connected = true;
  /** What answers is no node. */
  foreign = false;
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  #waiter: { text: string; resolve: () => void } | undefined;

  constructor() {
    this.#output.on("data", (bytes: Uint8Array) => this.#show(new TextDecoder().decode(bytes)));
    const session: Pick<Session, "run" | "describe" | "close"> = {
      run: (line) => {
        this.asked.push(line);
        const answer: Answer = { kind: "Done", reply: `reply to ${line}`, via: undefined };
        return Promise.resolve(answer);
      },
      describe: () => {
        if (this.foreign) return Promise.reject(new ForeignServerFailure("5000 is not KVStore"));
        return Promise.resolve(this.connected ? { nodeId: 1, role: "Follower", leaderId: 0 } : undefined);
      },
      close: () => this.asked.push("(closed)"),
    };
    this.exit = runInteractive({
      session: session as Session,
      history: new History(undefined),
      out: (text) => this.#show(text),
      err: (text) => this.#show(text),
      input: this.#input,
      output: this.#output,
    });
  }

  /** Presses keys and waits until `text` is shown after that. */
  async press(keys: string, text: string): Promise<void> {
    this.shown = "";
    const seen = new Promise<void>((resolve) => this.#waiter = { text, resolve });
    this.#input.write(keys);
    this.#show("");
    await seen;
  }

  async start(): Promise<void> {
    await this.press("", PROMPT);
  }

  #show(text: string): void {
    this.shown += text;
    if (this.#waiter !== undefined && this.shown.includes(this.#waiter.text)) this.#waiter.resolve();
  }
}

Deno.test("the prompt names node and role; lines are run in order; EXIT leaves", async () => {
  const stage = new Stage();
  await stage.start();
  await stage.press("GET a\rGET b\r", `reply to GET b\n`);
  assertStringIncludes(stage.shown, "reply to GET a\nreply to GET b\n");
  stage.connected = false;
  await stage.press("GET c\r", "kvstore (not connected)> ");
  await stage.press("EXIT\r", "Goodbye.\n");
  assertEquals(await stage.exit, 0);
  assertEquals(stage.asked, ["GET a", "GET b", "GET c", "(closed)"]);
});

Deno.test("Tab completes, Ctrl-C gives up the line, the arrow brings the last one back, Ctrl-D leaves", async () => {
  const stage = new Stage();
  await stage.start();
  await stage.press("sna\t", "snapshot ");
  await stage.press("x", "x");
  await stage.press("\x03", PROMPT);
  await stage.press("GET a\r", PROMPT);
  await stage.press("\x1b[A", "GET a");
  await stage.press("b\r", PROMPT);
  await stage.press("\x04", "\n");
  assertEquals(await stage.exit, 0);
  assertEquals(stage.asked, ["GET a", "GET ab", "(closed)"]);
});

Deno.test("WATCH goes on until a line comes, and that line is run", async () => {
  const stage = new Stage();
  await stage.start();
  await stage.press("WATCH 3600\r", "reply to METRICS\n");
  await stage.press("GET a\r", "reply to GET a\n");
  await stage.press("WATCH 3600\r", "reply to METRICS\n");
  await stage.press("\x03", PROMPT);
  await stage.press("\x04", "\n");
  assertEquals(await stage.exit, 0);
  assertEquals(stage.asked, ["METRICS", "GET a", "METRICS", "(closed)"]);
});

Deno.test("a shell on a port of something else ends with one line and exit code 1", async () => {
  const stage = new Stage();
  stage.foreign = true;
  await stage.press("GET a\rGET b\r", "kvstore: 5000 is not KVStore\n");
  assertEquals(await stage.exit, 1);
  assertEquals(stage.shown.match(/is not KVStore/g)?.length, 1);
});
