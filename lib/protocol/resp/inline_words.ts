/**
 * Splits an inline request into words exactly as Redis does (`sdssplitargs`), which is not how the text protocol reads a line:
 * a quote may open in the middle of a word, and an unknown escape is the byte itself. A NUL is a byte like any other; Redis would
 * wait forever for the end of such a line.
 */

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", "\b"],
  ["a", "\x07"],
]);
const BLANK = /[ \t\n\v\f\r]/;
/** What ends a word outside quotes: unlike between words, a vertical tab and a form feed are bytes of it. */
const WORD_END = /[ \t\n\r]/;
const HEX_PAIR = /^[0-9a-fA-F]{2}$/;

/** A word, and the place behind it. */
interface Cut {
  readonly word: string;
  readonly end: number;
}

/** The words of a line without its end, both byte strings; undefined when its quotes are not balanced. */
export function splitInline(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && BLANK.test(text.charAt(at))) at += 1;
    if (at >= text.length) return words;
    const cut = cutWord(text, at);
    if (cut === undefined) return undefined;
    words.push(cut.word);
    at = cut.end;
  }
}

function cutWord(text: string, start: number): Cut | undefined {
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (WORD_END.test(char)) return { word: text.slice(start, at), end: at };
    if (char !== '"' && char !== "'") continue;
    const rest = char === '"' ? cutDoubleQuoted(text, at + 1) : cutSingleQuoted(text, at + 1);
    // A closing quote ends its word: what follows it directly makes the line one that cannot be read.
    if (rest === undefined || (rest.end < text.length && !BLANK.test(text.charAt(rest.end)))) return undefined;
    return { word: text.slice(start, at) + rest.word, end: rest.end };
  }
  return { word: text.slice(start), end: text.length };
}

function cutDoubleQuoted(text: string, start: number): Cut | undefined {
  let word = "";
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '"') return { word, end: at + 1 };
    if (char !== "\\") {
      word += char;
      at += 1;
      continue;
    }
    const digits = text.slice(at + 2, at + 4);
    const next = text.charAt(at + 1);
    if (next === "x" && HEX_PAIR.test(digits)) {
      word += String.fromCharCode(Number.parseInt(digits, 16));
      at += 4;
    } else {
      word += ESCAPES.get(next) ?? next;
      at += 2;
    }
  }
  return undefined;
}

function cutSingleQuoted(text: string, start: number): Cut | undefined {
  let word = "";
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "'") return { word, end: at + 1 };
    const isEscaped = char === "\\" && text.charAt(at + 1) === "'";
    word += isEscaped ? "'" : char;
    at += isEscaped ? 2 : 1;
  }
  return undefined;
}
