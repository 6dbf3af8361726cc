/** A file of lines as the source of an import. Exports may follow each other in it; lines that somebody made stand alone. */

import { count } from "../backup/backup_text.ts";
import type { ImportSource, LeftOut } from "./import_run.ts";
import { type ByteSource, readLines } from "./input_lines.ts";
import { LineError, type LineRecord, readLine } from "./record_line.ts";

/** See `ImportSource`. Throws `LineError` also for an export that is cut short, at the line that is not there. */
export class LineSource implements ImportSource {
  readonly noun = "line";
  place = 0;
  readonly #input: ByteSource;

  constructor(input: ByteSource) {
    this.#input = input;
  }

  get name(): string {
    return this.#input.path;
  }

  async *records(): AsyncGenerator<LineRecord, void, undefined> {
    /** Keys of the export that has begun; undefined outside of one. */
    let keys: number | undefined;
    let isMade = true;
    let isEmpty = true;
    this.place = 1;
    for await (const line of readLines(this.#input)) {
      if (line.trim() !== "") {
        const said = readLine(line);
        if (said.type === "Head") {
          if (keys !== undefined || (isMade && !isEmpty)) {
            throw new LineError("begins an export in the middle of another");
          }
          [keys, isMade] = [0, false];
        } else if (said.type === "End") {
          checkEnd(said.keys, keys);
          keys = undefined;
        } else {
          if (keys === undefined && !isMade) throw new LineError("stands behind the end of the export");
          if (keys !== undefined) keys += 1;
          yield said.record;
        }
        isEmpty = false;
      }
      this.place += 1;
    }
    if (keys !== undefined) throw new LineError("is not there: the export was cut short");
    if (isEmpty) throw new LineError("is not there: there is nothing to import");
  }

  leftOut(): readonly LeftOut[] {
    return [];
  }
}

function checkEnd(told: number, found: number | undefined): void {
  if (found === undefined) throw new LineError("ends an export that did not begin");
  if (told === found) return;
  throw new LineError(
    `ends an export of ${count(told, "key")}, of which ${found} came: lines are missing, or too many`,
  );
}
