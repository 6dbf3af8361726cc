/** The file of the audit log: lines are queued, written outside of the event loop, and the file is replaced by a new one when it is full. */

import type { Clock } from "../base/clock.ts";
import { PRIVATE_FILE } from "../base/private_files.ts";
import type { Log } from "./log.ts";
import type { Registry } from "./metrics.ts";
import { METRIC } from "./names.ts";

/** Bytes that wait to be written; lines beyond that are lost, and counted. */
export const AUDIT_QUEUE_BYTES_MAX = 1_048_576;
/** How long a server that stops waits for what is queued, in ms. */
export const AUDIT_CLOSE_MS = 1_000;
const OTHERS = 0o077;
const LINE_END = "\n";

/** Why there is no audit log, in one line that names the file. */
export class AuditFileError extends Error {
  override readonly name = "AuditFileError";
}

/** What a file is opened with. */
export interface AuditFileOptions {
  readonly path: string;
  /** Once a file would be longer it becomes `path.1`, that one `path.2` and so on. */
  readonly bytesMax: number;
  /** Full files that are kept. */
  readonly filesMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

/**
 * Lines are in the order in which they were written, whole or not there. What cannot be written is lost, said once in the log, counted, and
 * stops nothing; the next lines are tried again.
 */
export class AuditFile {
  readonly #options: AuditFileOptions;
  #file: Deno.FsFile | undefined;
  #size = 0;
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #queueBytes = 0;
  #writing: Promise<void> | undefined;
  #isFailing = false;
  #isClosed = false;
  #isAbandoned = false;

  private constructor(options: AuditFileOptions) {
    this.#options = options;
  }

  /** Opens it, or makes it for its owner alone. Rejects with `AuditFileError`. */
  static async open(options: AuditFileOptions): Promise<AuditFile> {
    const opened = new AuditFile(options);
    try {
      await opened.#open();
      return opened;
    } catch (error) {
      throw new AuditFileError(`Cannot write the audit log ${options.path}: ${messageOf(error)}; --audit-log names it`);
    }
  }

  /** Queues a line, its end included. Never throws. */
  write(line: string): void {
    // A copy: the types of the oldest runtime leave open whether what the encoder gives is shared memory.
    const bytes = new Uint8Array(new TextEncoder().encode(line));
    if (this.#isClosed || this.#queueBytes + bytes.length > AUDIT_QUEUE_BYTES_MAX) return this.#lose(1, "queue");
    this.#queue.push(bytes);
    this.#queueBytes += bytes.length;
    this.#writing ??= this.#writeAll();
  }

  /** Writes what is queued, for `AUDIT_CLOSE_MS` at most, and closes the file. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(AUDIT_CLOSE_MS, late.resolve);
    await Promise.race([this.#writing, late.promise]);
    timer.cancel();
    this.#isAbandoned = true;
    this.#closeFile();
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const lines = this.#queue;
      this.#queue = [];
      for (let first = 0; first < lines.length;) {
        const count = this.#fitting(lines, first);
        await this.#writeBatch(lines.slice(first, first + count));
        first += count;
      }
    }
    this.#writing = undefined;
  }

  /** How many lines go into the present file, or else into a new one: one at least, however long it is. */
  #fitting(lines: readonly Uint8Array<ArrayBuffer>[], first: number): number {
    const { bytesMax } = this.#options;
    const room = bytesMax - this.#size;
    const limit = (lines[first]?.length ?? 0) <= room ? room : bytesMax;
    let [end, total] = [first, 0];
    while (end < lines.length && (end === first || total + (lines[end]?.length ?? 0) <= limit)) {
      total += lines[end]?.length ?? 0;
      end += 1;
    }
    return end - first;
  }

  async #writeBatch(lines: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    const { path, bytesMax, log, metrics } = this.#options;
    const bytes = joined(lines);
    try {
      if (this.#isAbandoned) throw new Error("the node has stopped");
      let file = this.#file ?? await this.#open();
      if (this.#size > 0 && this.#size + bytes.length > bytesMax) file = await this.#rotate();
      for (let at = 0; at < bytes.length;) {
        const written = await file.write(bytes.subarray(at));
        at += written;
        this.#size += written;
      }
      metrics.counter(METRIC.auditLines).add(lines.length);
      if (this.#isFailing) log("info", `The audit log ${path} is written again`);
      this.#isFailing = false;
    } catch (error) {
      // A part may be written: whoever opens it again ends that line.
      this.#closeFile();
      this.#lose(lines.length, "disk");
      if (!this.#isFailing) log("error", `Cannot write the audit log ${path}, lines are lost: ${messageOf(error)}`);
      this.#isFailing = true;
    } finally {
      this.#queueBytes -= bytes.length;
    }
  }

  async #open(): Promise<Deno.FsFile> {
    const { path } = this.#options;
    const file = await Deno.open(path, { read: true, append: true, create: true, mode: PRIVATE_FILE });
    try {
      const { isFile, mode, size } = await file.stat();
      if (!isFile) throw new Error("it is no file");
      if (Deno.build.os !== "windows" && mode !== null && (mode & OTHERS) !== 0) await Deno.chmod(path, PRIVATE_FILE);
      this.#size = size;
      if (size > 0) {
        const last = new Uint8Array(1);
        await file.seek(-1, Deno.SeekMode.End);
        await file.read(last);
        if (last[0] !== LINE_END.charCodeAt(0)) this.#size += await file.write(new TextEncoder().encode(LINE_END));
      }
    } catch (error) {
      file.close();
      throw error;
    }
    this.#file = file;
    return file;
  }

  async #rotate(): Promise<Deno.FsFile> {
    const { path, filesMax } = this.#options;
    this.#closeFile();
    for (let number = filesMax - 1; number >= 1; number--) {
      await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
    }
    await renameIfThere(path, `${path}.1`);
    return await this.#open();
  }

  #lose(lines: number, reason: "queue" | "disk"): void {
    this.#options.metrics.counterFamily(METRIC.auditLinesLost, ["reason"]).counter([reason]).add(lines);
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function joined(lines: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lines.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
  }
  return bytes;
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
