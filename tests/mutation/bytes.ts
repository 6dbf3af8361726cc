/** Planted bugs of what is kept as bytes: runs of entries, records of the log, and the store. */

import { type Mutation, slip } from "./mutation.ts";

const RUN = "lib/raft/run.ts";
const RECORDS = "lib/store/records.ts";
const HISTORY = "lib/node/changes/change_history.ts";
const FEED_TEST = "tests/unit/node/change_feed_test.ts";

/** In the order of their numbers. */
export const BYTE_SLIPS: readonly Mutation[] = [
  slip("M350", "A part of a run has lost the configurations in it", {
    file: RUN,
    find: "const configurations = this.configurations.filter(({ index }) => index >= from && index <= to);",
    replace: "const configurations = NO_CONFIGURATIONS;",
  }),
  slip("M351", "Runs that are joined keep the configurations of the first alone", {
    file: RUN,
    find: "configurations: runs.flatMap((run) => run.configurations)",
    replace: "configurations: head.configurations",
  }),
  slip("M352", "A message goes on behind the part of a run that it has no room for", {
    file: "lib/raft/log.ts",
    find: "part.lastIndex === run.lastIndex && entries > 0 &&",
    replace: "run.count > 0 && entries > 0 &&",
  }),
  slip("M353", "A value that looks like a record stands in the log as it is", {
    file: "lib/storage/record_mask.ts",
    find: "if (!holdsMagic(body)) return",
    replace: "if (body.length > 0) return",
  }),
  slip("M354", "A masked record is read as it stands", {
    file: "lib/storage/encryption/record_bodies.ts",
    find: "applyMask(body, mask)",
    replace: "applyMask(body, Math.min(mask, 0))",
  }),
  slip("M355", "A run that was applied in part is applied from its beginning again", {
    file: "lib/node/effects/applier.ts",
    find: "this.#place ??= {",
    replace: "this.#place = {",
  }),
  slip("M356", "A value that grows takes a little more room in place than it has", {
    file: RECORDS,
    find: "return length <= room && room <=",
    replace: "return length <= room + 4 && room <=",
  }),
  slip("M357", "A large value that an open cut needs is given up", {
    file: RECORDS,
    find: "    if (isKept && large !== undefined) this.#onKept(segment.number * SEGMENT_UNITS + unit, large);\n",
    replace:
      "    if (isKept && large !== undefined && unit < 0) this.#onKept(segment.number * SEGMENT_UNITS + unit, large);\n",
  }),
  {
    id: "M358",
    what: "A segment is compacted while an open cut needs it",
    patches: [{
      file: "lib/store/slab.ts",
      find: "segment !== this.#head && !segment.isHeld;",
      replace: "segment !== this.#head;",
    }, {
      file: "lib/store/slab.ts",
      find: "this.#source === undefined || this.#source.isHeld) {",
      replace: "this.#source === undefined) {",
    }],
  },
  slip("M359", "A key behind one that is removed is not found any more", {
    file: "lib/store/shard.ts",
    find: "if (((next - own) & mask) < ((next - hole) & mask)) continue;",
    replace: "if (((next - own) & mask) <= ((next - hole) & mask)) continue;",
  }),
  slip("M360", "Pages above the leaves do not count a key that comes", {
    file: "lib/store/order.ts",
    find: "    page.total += 1;\n",
    replace: "",
  }),
  slip("M361", "The deadline that was is kept beside the one that is", {
    file: "lib/store/store.ts",
    find: "    if (before !== 0) this.#deadlines.remove({ key, at: before });\n",
    replace: "    if (before < 0) this.#deadlines.remove({ key, at: before });\n",
  }),
  slip("M362", "A key that a snapshot holds twice is taken twice", {
    file: "lib/kv/snapshot_loader.ts",
    find: "return this.#state.load(record);",
    replace: "return this.#state.load(record) || version > 0;",
  }),
  slip("M363", "What a record that is replaced counted stays in the digest", {
    file: "lib/store/store.ts",
    find: "    this.#digest.subtract(at);\n    this.#records.change",
    replace: "    this.#records.change",
  }),
  {
    ...slip("M364", "The history fills its buffer again while entries lie in it", {
      file: HISTORY,
      find: "    this.#buffer = isFree ? first.buffer : new Uint8Array(BUFFER_BYTES);\n",
      replace: "    if (this.#buffer.length === 0) this.#buffer = new Uint8Array(BUFFER_BYTES);\n",
    }),
    tests: [FEED_TEST],
  },
  {
    ...slip("M365", "The history keeps a long Put where it lies and does not copy it", {
      file: HISTORY,
      find: "isShared ? this.#buffer : new Uint8Array(bytes);",
      replace: "isShared ? this.#buffer : command.bytes.subarray(command.start, command.end);",
    }),
    tests: [FEED_TEST],
  },
  slip("M366", "A long command of a proposal stays where the commands behind it are put", {
    file: RUN,
    find: "    body.copyWithin(at +",
    replace: "    if (length < 256) body.copyWithin(at +",
  }),
  slip("M440", "An answer that is forgotten stays in the digest of the sessions", {
    file: "lib/kv/sessions.ts",
    find: "      this.#discount(session, partOf(session, kept));\n      session.answers.delete",
    replace: "      session.answers.delete",
  }),
  slip("M441", "What a session was stays in the digest when it is renewed", {
    file: "lib/kv/sessions.ts",
    find:
      "    this.#discount(session, headOf(session));\n    this.#deadlines.remove(session.deadline);\n    session.deadline",
    replace: "    this.#deadlines.remove(session.deadline);\n    session.deadline",
  }),
  slip("M442", "The sum that a session keeps for its end has the answers that it has forgotten", {
    file: "lib/kv/sessions.ts",
    find: "    sum.subtract(high, low);\n",
    replace: "    sum.subtract(0, 0);\n",
  }),
  slip("M443", "All that a session keeps is hashed again when it ends", {
    file: "lib/kv/sessions.ts",
    find: "    this.#digest.subtract(session.sum.high, session.sum.low);\n",
    replace:
      "    this.#discount(session, headOf(session));\n    for (const answer of session.answers.values()) this.#discount(session, partOf(session, answer));\n",
  }),
  slip("M444", "A counter that is read where it lies loses its deadline", {
    file: "lib/kv/state_machine.ts",
    find: "    if (before !== undefined && before.deadline !== 0) return undefined;\n",
    replace: "",
  }),
  slip("M445", "A counter that is read where it lies takes a number with zeros before it", {
    file: "lib/kv/integers.ts",
    find: "if (bytes[first] === ZERO) return end - start === 1 ? 0 : undefined;",
    replace: "if (bytes[first] === ZERO && end - start === 1) return 0;",
  }),
  slip("M446", "Watchers are not told of a counter that is read where it lies", {
    file: "lib/kv/state_machine.ts",
    find: "    if (this.#sink !== undefined) this.#sink.puts(put, before);\n",
    replace: "    if (this.#sink !== undefined && put.length === 0) this.#sink.puts(put, before);\n",
  }),
  {
    ...slip("M367", "A word whose bytes have come counts as whole before its line end has", {
      file: "lib/protocol/resp/request_reader.ts",
      find: "    if (end + LINE_END_BYTES > this.#chunk.length) {\n",
      replace: "    if (end > this.#chunk.length) {\n",
    }),
    tests: ["tests/unit/protocol/resp/request_reader_test.ts"],
  },
  slip("M1026", "Of the keys of a snapshot those are expected first whose records have been loaded", {
    file: "lib/kv/snapshot_blocks.ts",
    find: "if (ahead !== undefined && at === toldTo)",
    replace: "if (ahead !== undefined && at === toldTo && at > 1)",
  }),
  slip("M1027", "A key that is the last one already is added behind it", {
    file: "lib/store/page.ts",
    find: "this.#compareTail(last, key) < 0 :",
    replace: "this.#compareTail(last, key) <= 0 :",
  }),
  slip("M1028", "A key behind all others is not counted in the pages above its leaf", {
    file: "lib/store/order.ts",
    find: "?? leaf) {\n      above.total += 1;",
    replace: "?? leaf) {\n      above.total += 0;",
  }),
  slip("M1029", "A page takes keys behind its last one without end", {
    file: "lib/store/order.ts",
    find: "if (!leaf.endsBefore(key) || !leaf.hasRoom(leaf.count, key)) return false;",
    replace: "if (!leaf.endsBefore(key)) return false;",
  }),
];
