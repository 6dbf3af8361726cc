/** What differs between two values: line by line where both are text, else honestly no more than that they differ. */

import { textOf, VIEWS } from "./values.js";

/** Longest value that is compared, in bytes. */
export const COMPARED_BYTES_MAX = 65_536;
/** Lines around a change that are shown with it. */
const AROUND = 2;
/** What is compared is the product of the numbers of lines that differ; more than this counts as all replaced. */
const CELLS_MAX = 1_000_000;

/**
 * How one value became another, each undefined where there is none: `{ kind, lines }` or `{ kind, note }`. `kind` is "text", "json" or "none"; lines are
 * `{ mark, text }` with the marks "+", "-", " " and "…" (lines in between that are the same).
 */
export function compare(before, after) {
  const [old, now] = [before ?? new Uint8Array(), after ?? new Uint8Array()];
  if (before !== undefined && after !== undefined && isEqual(old, now)) {
    return { kind: "none", note: "The value is the same" };
  }
  if (old.length > COMPARED_BYTES_MAX || now.length > COMPARED_BYTES_MAX) {
    return { kind: "none", note: "Too long to be compared here" };
  }
  const json = [before, after].map((bytes) => bytes === undefined ? "" : VIEWS.json.show(bytes));
  if (!json.includes(undefined) && json[0] !== json[1]) return { kind: "json", lines: shorten(linesOf(json)) };
  const texts = [textOf(old), textOf(now)];
  if (texts.includes(undefined)) return { kind: "none", note: describeBytes(old, now, { before, after }) };
  if (old.length + now.length === 0) return { kind: "none", note: "The value is empty" };
  return { kind: "text", lines: shorten(linesOf(texts)) };
}

function isEqual(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

function describeBytes(old, now, { before, after }) {
  if (before === undefined || after === undefined) return "The value is not text";
  let first = 0;
  while (first < old.length && first < now.length && old[first] === now[first]) first += 1;
  return `Not text before or now: the first byte that differs is number ${first + 1}`;
}

/** All lines of both texts in order, each with its mark. */
function linesOf([old, now]) {
  const [left, right] = [old, now].map((text) => text === "" ? [] : text.split("\n"));
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const same = (lines) => lines.map((text) => ({ mark: " ", text }));
  return [
    ...same(left.slice(0, start)),
    ...middle(left.slice(start, left.length - end), right.slice(start, right.length - end)),
    ...same(left.slice(left.length - end)),
  ];
}

/** A longest common subsequence of lines; what is not in it was removed or added. */
function middle(left, right) {
  const marked = (mark, lines) => lines.map((text) => ({ mark, text }));
  if (left.length * right.length > CELLS_MAX) return [...marked("-", left), ...marked("+", right)];
  const width = right.length + 1;
  const lengths = new Uint32Array((left.length + 1) * width);
  for (let row = left.length - 1; row >= 0; row--) {
    for (let column = right.length - 1; column >= 0; column--) {
      const at = row * width + column;
      lengths[at] = left[row] === right[column]
        ? lengths[at + width + 1] + 1
        : Math.max(lengths[at + width], lengths[at + 1]);
    }
  }
  const lines = [];
  let [row, column] = [0, 0];
  while (row < left.length || column < right.length) {
    const at = row * width + column;
    const isSame = row < left.length && column < right.length && left[row] === right[column];
    if (isSame) lines.push({ mark: " ", text: left[row] });
    const removes = !isSame && row < left.length && (column === right.length || lengths[at + width] >= lengths[at + 1]);
    if (removes) lines.push({ mark: "-", text: left[row] });
    else if (!isSame) lines.push({ mark: "+", text: right[column] });
    if (isSame || removes) row += 1;
    if (isSame || !removes) column += 1;
  }
  return lines;
}

/** Leaves out what is the same and not near a change. */
function shorten(lines) {
  const isNear = (at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ mark }) => mark !== " ");
  const shown = [];
  let left = 0;
  const tell = () => {
    if (left > 0) shown.push({ mark: "…", text: left === 1 ? "1 line the same" : `${left} lines the same` });
    left = 0;
  };
  for (const [at, line] of lines.entries()) {
    if (!isNear(at)) left += 1;
    else {
      tell();
      shown.push(line);
    }
  }
  tell();
  return shown;
}
