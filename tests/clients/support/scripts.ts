/** Where the scripts in Python stand. */

import { ROOT } from "../../support/program.ts";

/** The directory of the scripts, without a slash at its end. */
export const SCRIPTS: string = `${ROOT}tests/clients/scripts`;
