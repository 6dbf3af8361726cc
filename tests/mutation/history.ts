/** Planted bugs of the past of keys: a version that is not the one of then, what was forgotten and is answered, bounds. */

import { type Mutation, slip } from "./mutation.ts";

const HISTORY = "lib/node/changes/change_history.ts";
const RECORDER = "lib/kv/change_recorder.ts";
const FEED = "lib/node/changes/change_feed.ts";
const KEY_HISTORY = "lib/http/routes/key_history.ts";
const DIFF_TESTS: readonly string[] = ["tests/unit/dashboard/diff_test.ts"];
const TESTS: readonly string[] = [
  "tests/unit/kv/changes_test.ts",
  "tests/unit/node/change_feed_test.ts",
  "tests/unit/node/key_history_test.ts",
  "tests/unit/http/key_history_test.ts",
  "tests/unit/http/history_test.ts",
  "tests/unit/http/rights_test.ts",
  "tests/e2e/undo_test.ts",
];

const SLIPS: readonly Mutation[] = [
  slip("M995", "A value that EXPIRE left as it was counts twice in the history", {
    file: "lib/kv/change_recorder.ts",
    find: "        this.#holdsAt(foundAt, record.value);",
    replace: "        valueBytes === 0 && this.#holdsAt(foundAt, record.value);",
  }),
  slip("M916", "The value that a Put replaces is copied over the command's own end", {
    file: HISTORY,
    find: "replaced.copyTo(buffer, start + length);",
    replace: "replaced.copyTo(buffer, start + length - 1);",
  }),
  slip("M917", "What a Put replaces does not count against the bytes of the history", {
    file: HISTORY,
    find: "this.#advance(buffer, bytes);",
    replace: "this.#advance(buffer, length);",
  }),
  slip("M918", "A buffer is used again while the oldest entry that is kept lies in it", {
    file: HISTORY,
    find: "const isFree = first !== undefined && first.last <= this.oldest;",
    replace: "const isFree = first !== undefined && first.last <= this.oldest + this.#count;",
  }),
  slip("M919", "A removal before a key was made again is not looked for: it counts as never there", {
    file: HISTORY,
    find: "at = this.#previousRevision(key, at) ?? this.#lastRemoval(key, behind);",
    replace: "at = this.#previousRevision(key, at);",
  }),
  slip("M920", "A key at a revision is what the entry of that revision replaced", {
    file: FEED,
    find: "if (at <= revision) break;",
    replace: "if (at < revision) break;",
  }),
  slip("M921", "A revision that is just not remembered any more is answered all the same", {
    file: KEY_HISTORY,
    find: "if (revision >= oldest) return undefined;",
    replace: "if (revision >= oldest - 1) return undefined;",
  }),
  slip("M922", "A key whose deadline has come by now was never there", {
    file: "lib/http/routes/key_history.ts",
    find: "const current = state.peek(key);",
    replace: "const current = state.get(key);",
  }),
  slip("M923", "One entry more than was said is remembered", {
    file: HISTORY,
    find: "else if (this.#count === this.#entriesMax && this.#count < this.#capacity) this.#dropOldest();",
    replace: "else if (this.#count > this.#entriesMax && this.#count < this.#capacity) this.#dropOldest();",
  }),
  slip("M924", "An undo tells nothing of a key that one entry after the revision has changed and that is gone now", {
    file: HISTORY,
    find: "const key = reader.isChange ? keyWith(prefix, reader.key) : undefined;",
    replace: "const key = reader.isChange && !reader.isRemoval ? keyWith(prefix, reader.key) : undefined;",
  }),
  slip("M925", "Who may read one key with a prefix is told the past of all of them", {
    file: "lib/http/routes/history.ts",
    find: "  state.peek(prefix);\n",
    replace: "",
  }),
  slip("M926", "What a key was is told although its deadline has passed", {
    file: "lib/http/routes/history.ts",
    find: "const before = isThere(then, nowMs) ? then : undefined;",
    replace: "const before = isThere(then, 0) ? then : undefined;",
  }),
  slip("M927", "An undo writes over what was written since it was shown", {
    file: "lib/cli/transfer/prefix_writer.ts",
    find: 'is: "=", operand: modified }',
    replace: 'is: "<", operand: modified + 2 ** 50 }',
  }),
  slip("M930", "What an entry replaces is copied however long it is", {
    file: RECORDER,
    find: "if (this.#valueBytes <= REPLACED_BYTES_TOLD_MAX) return true;",
    replace: "if (this.#valueBytes <= 8 * REPLACED_BYTES_TOLD_MAX) return true;",
  }),
  slip("M931", "The past of a key is what its last change replaced", {
    file: HISTORY,
    find: "if (key !== undefined && !keys.has(key)) keys.set(key, at);",
    replace: "if (key !== undefined) keys.set(key, at);",
  }),
  slip("M1006", "A value that an entry has made itself is copied again each time the entry changes it", {
    file: RECORDER,
    find: "    if (this.#isTooMuch || record.revision === this.revision) return undefined;\n",
    replace: "    if (this.#isTooMuch) return undefined;\n",
  }),
  slip("M1007", "A key that an entry removed and made again counts as never there before", {
    file: RECORDER,
    find: "    if (!changes.has(change.key)) changes.set(change.key, change);\n",
    replace: "    changes.set(change.key, change);\n",
  }),
  slip("M1008", "What an entry leaves is told however much it is", {
    file: RECORDER,
    find: "      if (!this.#hasRoomFor(valueBytes)) return;\n",
    replace: "      if (valueBytes < 0) return;\n",
  }),
  slip("M1009", "The buffer of the longest changes that ever were is kept", {
    file: RECORDER,
    find: "    if (this.#end === KEYS_AT && this.#bytes.length > KEPT_BYTES_MAX) this.#resize(KEPT_BYTES_MAX);\n",
    replace: "",
  }),
  slip("M1010", "Changes of several keys are looked for among those of Puts", {
    file: HISTORY,
    find: "    this.#numbers[at + COMMAND_BYTES] = 0;\n",
    replace: "",
  }),
].map((mutation) => ({ ...mutation, tests: TESTS }));

/** All of them; those of the page have tests of their own. */
export const HISTORY_SLIPS: readonly Mutation[] = [
  ...SLIPS,
  {
    ...slip("M1004", "The page leaves out lines of a change as if they were the same", {
      file: "lib/dashboard/assets/diff.js",
      find: 'some(({ mark }) => mark !== " ")',
      replace: 'some(({ mark }) => mark === "+")',
    }),
    tests: DIFF_TESTS,
  },
  {
    ...slip("M1005", "The page compares bytes that are no text as if they were", {
      file: "lib/dashboard/assets/diff.js",
      find: "const texts = [textOf(old), textOf(now)];",
      replace: 'const texts = [textOf(old) ?? "", textOf(now) ?? ""];',
    }),
    tests: DIFF_TESTS,
  },
];
