/** Planted bugs of exports, imports and backups by time: what is lost, doubled, or said to be there on its way. */

import { type Mutation, slip } from "./mutation.ts";

const ROOM = "lib/cli/transfer";
const LINE_TESTS: readonly string[] = ["tests/unit/cli/transfer/record_line_test.ts"];
const SOURCE_TESTS: readonly string[] = ["tests/unit/cli/transfer/line_source_test.ts"];
const IMPORTER_TESTS: readonly string[] = ["tests/unit/cli/transfer/importer_test.ts"];
const EXPORT_TESTS: readonly string[] = ["tests/unit/cli/transfer/export_lines_test.ts"];
const REDIS_TESTS: readonly string[] = ["tests/unit/cli/transfer/redis_source_test.ts"];
const KEPT_TESTS: readonly string[] = ["tests/unit/cli/backup/kept_backups_test.ts"];
const SCHEDULE_TESTS: readonly string[] = ["tests/unit/cli/backup/scheduled_backups_test.ts"];
const PREFIX_TESTS: readonly string[] = ["tests/unit/cli/transfer/prefix_writer_test.ts"];
const E2E_TESTS: readonly string[] = ["tests/e2e/export_test.ts"];

/** In the order of their numbers. */
export const EXPORT_SLIPS: readonly Mutation[] = [
  {
    ...slip("M994", "An import ends at a key that it has written itself, told again with another value", {
      file: `${ROOM}/importer.ts`,
      find: "this.#ownRevisions.add(revision.modified);",
      replace: "this.#ownRevisions.add(-revision.modified);",
    }),
    tests: IMPORTER_TESTS,
  },
  {
    ...slip("M897", "An export that was cut short is imported as if it were whole", {
      file: `${ROOM}/line_source.ts`,
      find: 'if (keys !== undefined) throw new LineError("is not there: the export',
      replace: 'if (keys === 0) throw new LineError("is not there: the export',
    }),
    tests: SOURCE_TESTS,
  },
  {
    ...slip("M898", "The number of keys at the end of an export is not compared with those that came", {
      file: `${ROOM}/line_source.ts`,
      find: "if (told === found) return;",
      replace: "if (told >= found) return;",
    }),
    tests: SOURCE_TESTS,
  },
  {
    ...slip("M899", "Transactions with the same key overtake each other: the older value may stay", {
      file: `${ROOM}/importer.ts`,
      find: "if (this.#keys.has(record.key)) await this.finish();",
      replace: "if (this.#pending.includes(record)) await this.finish();",
    }),
    tests: IMPORTER_TESTS,
  },
  {
    ...slip("M900", "An import that fails where a key is there writes over it", {
      file: `${ROOM}/importer.ts`,
      find: "if (!this.#ownRevisions.has(revision)) throw",
      replace: "if (this.#ownRevisions.has(-revision)) throw",
    }),
    tests: IMPORTER_TESTS,
  },
  {
    ...slip("M901", "Transactions of an import are under way without a bound", {
      file: `${ROOM}/importer.ts`,
      find: "while (this.#flights.length >= BATCHES_MAX) await",
      replace: "while (this.#flights.length >= BATCHES_MAX * 1_000) await",
    }),
    tests: IMPORTER_TESTS,
  },
  {
    ...slip("M902", "An import counts keys as written whose transaction has not been answered", {
      file: `${ROOM}/importer.ts`,
      find: "place: flight.records.at(-1)?.place ?? this.#tally.place,",
      replace: "place: (this.#flights.at(-1) ?? flight).records.at(-1)?.place ?? this.#tally.place,",
    }),
    tests: IMPORTER_TESTS,
  },
  {
    ...slip("M903", "Keys whose deadline has passed are exported", {
      file: `${ROOM}/export_lines.ts`,
      find: "(deadline !== 0 && deadline <= timeMs)",
      replace: "(deadline !== 0 && deadline <= 0)",
    }),
    tests: EXPORT_TESTS,
  },
  {
    ...slip("M904", "Half a character in a line silently becomes another one", {
      file: `${ROOM}/record_line.ts`,
      find: "if (!text.isWellFormed())",
      replace: "if (text.length < 0)",
    }),
    tests: LINE_TESTS,
  },
  {
    ...slip("M905", "A line without an end is read into memory without a bound", {
      file: `${ROOM}/input_lines.ts`,
      find: "if (length > LINE_BYTES_MAX) throw",
      replace: "if (length > 2 * LINE_BYTES_MAX) throw",
    }),
    tests: SOURCE_TESTS,
  },
  {
    ...slip("M906", "An import of a wrong line leaves out what stands before it, and says that it is written", {
      file: `${ROOM}/import_run.ts`,
      find: "    await importer.finish();\n  } catch (later) {",
      replace: "    if (place < 0) await importer.finish();\n  } catch (later) {",
    }),
    tests: E2E_TESTS,
  },
  {
    ...slip("M907", "A key whose deadline has passed is imported, and lives again", {
      file: `${ROOM}/import_run.ts`,
      find: "if (deadline !== undefined && deadline <= nowMs) expired += 1;",
      replace: "if (deadline !== undefined && deadline <= 0) expired += 1;",
    }),
    tests: E2E_TESTS,
  },
  {
    ...slip("M908", "What is left of a deadline in Redis is taken for the moment itself: such keys count as gone", {
      file: `${ROOM}/redis_source.ts`,
      find: "expiresAt: nowMs + leftMs, ttlMs",
      replace: "expiresAt: nowMs - leftMs, ttlMs",
    }),
    tests: REDIS_TESTS,
  },
  {
    ...slip("M909", "A prefix of keys of Redis is taken for a pattern", {
      file: `${ROOM}/redis_source.ts`,
      find: 'this.#prefix.replace(PATTERN_CHARACTERS, "\\\\$&")',
      replace: 'this.#prefix.replace(PATTERN_CHARACTERS, "$&")',
    }),
    tests: ["tests/e2e/from_redis_test.ts"],
  },
  {
    ...slip("M910", "Values of Redis are asked for without a bound", {
      file: `${ROOM}/redis_source.ts`,
      find: "bytes + candidate.bytes > REDIS_READ_BYTES_MAX",
      replace: "bytes + candidate.bytes > 1_000 * REDIS_READ_BYTES_MAX",
    }),
    tests: REDIS_TESTS,
  },
  {
    ...slip("M911", "Backups that are damaged count among those that are kept: whole ones go for them", {
      file: "lib/cli/backup/kept_backups.ts",
      find: "if (timeMs !== undefined && outline !== undefined) yield { name, timeMs, outline };",
      replace:
        "if (timeMs !== undefined) yield { name, timeMs, outline: outline ?? [...this.#known.values()].find((one) => one !== undefined)! };",
    }),
    tests: KEPT_TESTS,
  },
  {
    ...slip("M912", "Backups of another cluster are removed for those of this one", {
      file: "lib/cli/backup/kept_backups.ts",
      find: "if (outline.clusterId !== clusterId) continue;",
      replace: "if (outline.clusterId !== clusterId && outline.keys < 0) continue;",
    }),
    tests: KEPT_TESTS,
  },
  {
    ...slip("M913", "A backup that fails is not tried again before the next is due", {
      file: "lib/cli/backup/scheduled_backups.ts",
      find: "Math.min(parts.everyMs, RETRY_MS_MAX)",
      replace: "Math.max(parts.everyMs, RETRY_MS_MAX)",
    }),
    tests: SCHEDULE_TESTS,
  },
  {
    ...slip("M914", "A failed attempt counts as the last good backup: no alert tells that they have ended", {
      file: "lib/cli/backup/scheduled_backups.ts",
      find: "Math.floor(Math.min(newest?.timeMs ?? 0, nowMs) / SECOND_MS)",
      replace: "Math.floor((newest === undefined ? 0 : nowMs) / SECOND_MS)",
    }),
    tests: SCHEDULE_TESTS,
  },
  {
    ...slip("M915", "A restore into a running cluster writes over what was written since it showed its changes", {
      file: `${ROOM}/prefix_writer.ts`,
      find: 'field: "modified", is: "=", operand: modified } as const;',
      replace: 'field: "modified", is: "!=", operand: modified - 1 } as const;',
    }),
    tests: PREFIX_TESTS,
  },
  {
    ...slip(
      "M929",
      "A backup of the future counts as newer: the one just made is removed for it, and its age hides that none is made",
      {
        file: "lib/cli/backup/kept_backups.ts",
        find: "(timeOfName(name) ?? Infinity) <= nowMs",
        replace: "(timeOfName(name) ?? Infinity) <= 2 * nowMs",
      },
    ),
    tests: KEPT_TESTS,
  },
];
