/** Who is logged in, as connections and requests carry it. */

import { describeMissing } from "../kv/describe.ts";
import type { MissingRight } from "../kv/rights.ts";
import { NO_LOGIN } from "../kv/users.ts";

/** Somebody who has said who he is. */
export interface Login {
  /** "" where it is not known. */
  readonly name: string;
  /** See `UserRecord`. */
  readonly id: number;
}

/**
 * The launcher of a local cluster. It may look at nodes and change the membership, and is no user: what it writes or reads of keys is that of
 * nobody.
 */
export const LAUNCHER: Login = { name: "", id: -1 };

/** Who asked lacks a right for what was about to be done or shown: nothing was. */
export class ForbiddenError extends Error {
  override readonly name = "ForbiddenError";
  readonly missing: MissingRight;

  /** `missing` is the right. */
  constructor(missing: MissingRight) {
    super(describeMissing(missing));
    this.missing = missing;
  }
}

/** What a command of `login` carries into the log. */
export function loginId(login: Login | undefined): number {
  return login === undefined || login === LAUNCHER ? NO_LOGIN : login.id;
}

/** The login held no more when something was about to be done or shown for it: nothing was. */
export class NotLoggedInError extends Error {
  override readonly name = "NotLoggedInError";
}
