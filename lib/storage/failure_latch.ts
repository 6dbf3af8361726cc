/** Remembers the first failed write or sync: after it nothing of this storage may be trusted to be durable. */

import { AccessError, DiskFailureError, NoSpaceError } from "../base/errors.ts";

/** What failed, on which file. */
export interface FailurePlace {
  readonly file: string;
  readonly operation: string;
}

/**
 * Shared by everything that writes in one directory. Linux marks pages clean when writing them back fails, so a second
 * sync would succeed without the data: hence never a second try, of anything.
 */
export class FailureLatch {
  #failure: DiskFailureError | undefined;

  /** Throws the first failure, if there was one. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Makes an error of the disk final and returns it as `DiskFailureError`. Any other error is a bug and comes back as it is. */
  fail(error: unknown, place: FailurePlace): unknown {
    if (error instanceof AccessError || error instanceof NoSpaceError) {
      return this.fail(new DiskFailureError(place.file, { operation: place.operation, cause: error }), place);
    }
    if (error instanceof DiskFailureError) this.#failure ??= error;
    return error;
  }

  /** The same for operations that can do without space: then `NoSpaceError` is not final. */
  failUnlessFull(error: unknown, place: FailurePlace): unknown {
    return error instanceof NoSpaceError ? error : this.fail(error, place);
  }
}
