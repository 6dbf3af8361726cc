/**
 * The fenced blocks of a page of Markdown. A block of `sh` is typed by the reader, so it is run, unless a mark before it says
 * why not: `<!-- not run: reason -->`. A block of `text` behind one that is run is what that one prints, and one of `json` has the
 * shape of what it prints.
 */

/** A fenced block as it stands on the page. */
export interface Block {
  /** Of its first line inside the fence; the first line of the page is 1. */
  readonly line: number;
  readonly language: string;
  readonly lines: readonly string[];
  /** Why it is not run, where it is marked. */
  readonly reason?: string;
}

/** Commands of one block, and the block of what they print where the page shows it. */
export interface Step {
  readonly line: number;
  readonly commands: readonly string[];
  readonly output?: Block;
}

/**
 * What a page is for. A task is run, and has nothing but commands, what they print, and what is marked; a reference is run and has
 * other blocks as well; the commands of what is only read are marked, each with its reason.
 */
export type PageKind = "task" | "reference" | "read";

/** What is to be done with a page. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly marked: readonly Block[];
  /** Whether it mounts disks, as it says by `<!-- mounts a disk -->`. */
  readonly mounts: boolean;
  /** Whether it runs a Redis, as it says by `<!-- runs redis-server -->`. */
  readonly runsRedis: boolean;
  /** What no reader and no machine could make sense of, with the line. */
  readonly mistakes: readonly string[];
}

const FENCE = /^ *```(\w*)/;
const MOUNTS = /^<!-- mounts a disk -->$/m;
const RUNS_REDIS = /^<!-- runs redis-server -->$/m;
const MARK = /^ *<!-- not run:(.*)-->$/;
/** Other names of what is to be called `sh`: blocks of these would be neither run nor marked. */
const OTHER_SHELLS: readonly string[] = ["bash", "console", "shell", "shellsession", "zsh"];
/** What commands print. */
const OUTPUTS: readonly string[] = ["text", "json"];
/** Blocks that have no part in a run. */
const ILLUSTRATIONS: readonly string[] = ["", "json", "mermaid", "ts", "yaml"];

/** All blocks of a page, in order. */
export function readBlocks(markdown: string): readonly Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const language = FENCE.exec(lines[at] ?? "")?.[1];
    if (language === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && FENCE.test(line));
    const inside = lines.slice(at + 1, end < 0 ? lines.length : end);
    const reason = MARK.exec(lines.slice(0, at).findLast((line) => line.trim() !== "") ?? "")?.[1]?.trim();
    blocks.push({ line: at + 2, language, lines: inside, ...(reason === undefined ? {} : { reason }) });
    at += inside.length + 1;
  }
  return blocks;
}

/** What is run of a page, in order, and what is wrong with it. */
export function planPage(markdown: string, kind: PageKind): Plan {
  const steps: Step[] = [];
  const marked: Block[] = [];
  const mistakes: string[] = [];
  let isBehindStep = false;
  for (const block of readBlocks(markdown)) {
    const mistake = findMistake(block, { kind, isBehindStep });
    const last = steps.at(-1);
    if (mistake !== undefined) mistakes.push(`line ${block.line}: ${mistake}`);
    else if (block.reason !== undefined) marked.push(block);
    else if (block.language === "sh") steps.push({ line: block.line, commands: block.lines });
    else if (isBehindStep && last !== undefined && OUTPUTS.includes(block.language)) {
      steps.splice(-1, 1, { ...last, output: block });
    }
    isBehindStep = block.language === "sh" && block.reason === undefined;
  }
  return { steps, marked, mounts: MOUNTS.test(markdown), runsRedis: RUNS_REDIS.test(markdown), mistakes };
}

function findMistake(
  { language, reason }: Block,
  { kind, isBehindStep }: { readonly kind: PageKind; readonly isBehindStep: boolean },
): string | undefined {
  if (OTHER_SHELLS.includes(language)) return `a block of ${language}: commands stand in a block of sh`;
  if (reason === "") return "a mark without a reason";
  if (reason !== undefined) return undefined;
  if (language === "sh") return kind === "read" ? "commands that are neither run nor marked" : undefined;
  if (OUTPUTS.includes(language) && isBehindStep) return undefined;
  if (language === "text") return "a block of text behind no commands that are run";
  if (kind !== "task" && ILLUSTRATIONS.includes(language)) return undefined;
  const what = language === "" ? "no language" : language;
  return `a block of ${what} that is neither commands (sh) nor what they print (text), nor marked`;
}
