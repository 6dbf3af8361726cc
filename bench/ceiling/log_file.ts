/** The log: one file, written in full beforehand and then over and over, so that a sync has no size to store. */

const FILE_BYTES = 64 << 20;
const BLOCK_BYTES = 1 << 20;

/** Appends, and syncs one time after the other. */
export class LogFile {
  readonly #file: Deno.FsFile;
  #end = 0;
  #syncing = false;

  constructor(directory: string) {
    Deno.mkdirSync(directory, { recursive: true });
    this.#file = Deno.openSync(`${directory}/wal`, { create: true, write: true, truncate: true });
    const zeros = new Uint8Array(BLOCK_BYTES);
    for (let at = 0; at < FILE_BYTES; at += zeros.length) this.#file.writeSync(zeros);
    this.#file.syncDataSync();
    this.#file.seekSync(0, Deno.SeekMode.Start);
  }

  /** Whether a sync is under way. */
  get syncing(): boolean {
    return this.#syncing;
  }

  /** Writes at the end. */
  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > FILE_BYTES) this.#end = this.#file.seekSync(0, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    this.#end += bytes.length;
  }

  /** Makes durable what was appended. A sync that fails ends the process. */
  sync(done: () => void): void {
    this.#syncing = true;
    this.#file.syncData().then(() => {
      this.#syncing = false;
      done();
    });
  }
}
