/** What a check of the simulator is: one over cores that also sees processes and their disks. */

import type { Greeting } from "../../lib/transport/transport.ts";
import type { RaftCheck } from "../support/raft/checks/check.ts";
import type { SimServer } from "./server.ts";

/** A check; each method is called when that has happened. */
export interface Check extends RaftCheck<SimServer> {
  /** A process is about to read its directory. */
  starting?(server: SimServer): void;
  /** A process has heard the greeting of another one. */
  greeted?(server: SimServer, greeting: Greeting): void;
  /** A process writes a line to its log. */
  says?(server: SimServer, message: string): void;
  /** Called every 100 simulated ms. */
  watch?(): void;
}
