/** What the shell does with one line: the commands it knows itself, and all others sent to the cluster. */

import { byteStringToText, textToByteString } from "../../base/bytes.ts";
import { describeFailure, EXIT } from "../failures.ts";
import { ForeignServerFailure } from "./connections.ts";
import type { History } from "./history.ts";
import { exitCodeOf } from "./reply.ts";
import type { Session } from "./session.ts";
import { firstWord, traitsOf } from "./vocabulary.ts";

const BLANKS = " \t\r\n";
const WATCH_SECONDS = 2;
const WATCH_SECONDS_MAX = 3_600;
/** Clears the screen and goes to its top. */
const CLEAR_SCREEN = "\x1b[2J\x1b[3J\x1b[H";

/** What a shell works with. */
export interface ShellOptions {
  readonly session: Session;
  readonly history: History;
  /** Takes text with its line ends. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a person reads the output: then it is said which node did a write. */
  readonly interactive: boolean;
  /** Resolves to true when the time is up, and to false when the user wants to go on with something else. */
  readonly pause: (delayMs: number) => Promise<boolean>;
}

/** What came of a line. */
export interface LineResult {
  readonly exitCode: number;
  readonly leave: boolean;
}

/** Runs lines one after the other. */
export class Shell {
  readonly #options: ShellOptions;

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /** Runs one line, a byte string. Expected failures are shown, not thrown. */
  async run(typed: string): Promise<LineResult> {
    const line = trimBlanks(typed);
    if (line === "") return { exitCode: EXIT.ok, leave: false };
    const meant = this.#expand(line);
    if (meant === undefined) {
      this.#options.out(`Error: There is no command ${show(line)} in the history. HISTORY lists what there is.\n`);
      return { exitCode: EXIT.usage, leave: false };
    }
    if (meant !== line) this.#options.out(`Repeating: ${show(meant)}\n`);
    this.#options.history.add(show(meant));
    try {
      return await this.#dispatch(meant);
    } catch (error) {
      const known = describeFailure(error);
      if (known === undefined) throw error;
      this.#options.err(`kvstore: ${known.line}\n`);
      return { exitCode: known.exitCode, leave: error instanceof ForeignServerFailure };
    }
  }

  async #dispatch(line: string): Promise<LineResult> {
    const traits = traitsOf(line);
    if (traits.local !== true) return { exitCode: await this.#send(line), leave: false };
    const argument = trimBlanks(line.slice(firstWord(line).length));
    switch (traits.name) {
      case "EXIT":
        this.#options.out("Goodbye.\n");
        return { exitCode: EXIT.ok, leave: true };
      case "CLEAR":
        this.#options.out(CLEAR_SCREEN);
        return { exitCode: EXIT.ok, leave: false };
      case "HISTORY":
        this.#options.out(this.#options.history.lines.map((text, at) => `${at + 1}  ${text}\n`).join(""));
        return { exitCode: EXIT.ok, leave: false };
      default:
        return { exitCode: await this.#watch(argument), leave: false };
    }
  }

  async #send(line: string): Promise<number> {
    const answer = await this.#options.session.run(line);
    this.#options.out(`${show(answer.reply)}\n`);
    if (answer.via !== undefined && this.#options.interactive) {
      this.#options.out(`(done by the leader, ${answer.via})\n`);
    }
    return exitCodeOf(answer.kind);
  }

  /** METRICS again and again; by asking each time, the connection stays free for other commands. */
  async #watch(argument: string): Promise<number> {
    const seconds = argument === "" ? WATCH_SECONDS : /^[0-9]{1,4}$/.test(argument) ? Number(argument) : 0;
    if (seconds < 1 || seconds > WATCH_SECONDS_MAX) {
      this.#options.out("Error: Usage: WATCH [seconds]\n");
      return EXIT.usage;
    }
    for (;;) {
      const exitCode = await this.#send("METRICS");
      if (exitCode !== EXIT.ok || !await this.#options.pause(seconds * 1_000)) return exitCode;
      this.#options.out("\n");
    }
  }

  /** `!!` and `!n` as the commands they stand for; undefined when there is none. */
  #expand(line: string): string | undefined {
    const number = /^!(!|[0-9]{1,6})$/.exec(line)?.[1];
    if (number === undefined) return line;
    const { lines } = this.#options.history;
    const found = number === "!" ? lines.at(-1) : lines[Number(number) - 1];
    return found === undefined ? undefined : textToByteString(found);
  }
}

/** The server shows other bytes than printable UTF-8 escaped, so this is the text it meant. */
function show(bytes: string): string {
  return byteStringToText(bytes) ?? bytes;
}

/** Only ASCII blanks: `trim` would also take the byte 0xA0, which may be the end of a letter. */
function trimBlanks(line: string): string {
  let [start, end] = [0, line.length];
  while (start < end && BLANKS.includes(line.charAt(start))) start += 1;
  // Not by a regular expression: it would begin anew at each blank of a long run in the middle.
  while (end > start && BLANKS.includes(line.charAt(end - 1))) end -= 1;
  return line.slice(start, end);
}
