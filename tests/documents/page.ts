/**
 * The fenced blocks of a page of Markdown. A block of `sh` is typed by the reader, so it is run, unless a mark before it says
 * why not: `<!-- not run: reason -->`. A block of `text` behind one that is run is what that one prints.
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

/** Commands of one block, and what they print where the page shows it. */
export interface Step {
  readonly line: number;
  readonly commands: readonly string[];
  readonly output?: readonly string[];
}

/** What is to be done with a page. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly marked: readonly Block[];
  /** Whether it mounts disks, as it says by `<!-- mounts a disk -->`. */
  readonly mounts: boolean;
  /** What no reader and no machine could make sense of, with the line. */
  readonly mistakes: readonly string[];
}

const FENCE = /^ *```(\w*)/;
const MOUNTS = /^<!-- mounts a disk -->$/m;
const MARK = /^ *<!-- not run:(.*)-->$/;
/** Other names of what is to be called `sh`: blocks of these would be neither run nor marked. */
const OTHER_SHELLS: readonly string[] = ["bash", "console", "shell", "shellsession", "zsh"];
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

/** What is run of a page, in order; `isStrict` where every block has to be commands, what they print, or marked. */
export function planPage(markdown: string, { isStrict = false }: { readonly isStrict?: boolean } = {}): Plan {
  const steps: Step[] = [];
  const marked: Block[] = [];
  const mistakes: string[] = [];
  let isBehindStep = false;
  for (const block of readBlocks(markdown)) {
    const mistake = findMistake(block, { isStrict, isBehindStep });
    const last = steps.at(-1);
    if (mistake !== undefined) mistakes.push(`line ${block.line}: ${mistake}`);
    else if (block.reason !== undefined) marked.push(block);
    else if (block.language === "sh") steps.push({ line: block.line, commands: block.lines });
    else if (block.language === "text" && last !== undefined) steps.splice(-1, 1, { ...last, output: block.lines });
    isBehindStep = block.language === "sh" && block.reason === undefined;
  }
  return { steps, marked, mounts: MOUNTS.test(markdown), mistakes };
}

function findMistake(
  { language, reason }: Block,
  { isStrict, isBehindStep }: { readonly isStrict: boolean; readonly isBehindStep: boolean },
): string | undefined {
  if (OTHER_SHELLS.includes(language)) return `a block of ${language}: commands stand in a block of sh`;
  if (reason === "") return "a mark without a reason";
  if (reason !== undefined || language === "sh") return undefined;
  if (language === "text") return isBehindStep ? undefined : "a block of text behind no commands that are run";
  if (isStrict || !ILLUSTRATIONS.includes(language)) {
    return `a block of ${
      language || "no language"
    } that is neither commands (sh) nor what they print (text), nor marked`;
  }
  return undefined;
}
