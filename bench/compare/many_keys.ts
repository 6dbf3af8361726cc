/** One subject with many keys, filled at the first use and shared by the rows that need it. */

import { note } from "../support/print.ts";
import { fill } from "./loader.ts";
import type { CompareOptions } from "./options.ts";
import { startSubject, type Subject } from "./subject.ts";

/** Dispose it when no row needs it any more. */
export class ManyKeys implements AsyncDisposable {
  #subject: Promise<Subject> | undefined;

  /** The subject with all its keys. */
  get(options: CompareOptions): Promise<Subject> {
    this.#subject ??= start(options);
    return this.#subject;
  }

  /** Ends the subject. */
  async [Symbol.asyncDispose](): Promise<void> {
    const subject = this.#subject;
    this.#subject = undefined;
    await (await subject?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

async function start(options: CompareOptions): Promise<Subject> {
  const subject = await startSubject(options);
  try {
    const begin = performance.now();
    await fill(subject.address(await subject.leader()), options.manyKeys);
    await subject.settle();
    note(`Filled ${options.manyKeys} keys in ${((performance.now() - begin) / 1_000).toFixed(1)} s`);
    return subject;
  } catch (error) {
    await subject[Symbol.asyncDispose]();
    throw error;
  }
}
