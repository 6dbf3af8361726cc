/** Raft figure 2 and 5.3: an acknowledgement of entries leaves a follower only when a power loss could not take them. */

import type { Random } from "../../../lib/base/random.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import { loadDirectory, loadNodeFile } from "../../../lib/storage/load.ts";
import type { Check, Violate } from "../check.ts";
import { DIRECTORY, type SimServer } from "../server.ts";
import type { Shadows } from "../shadow.ts";

/** Reading a whole directory is dear, so chance decides which acknowledgements are looked at. */
const LOOK_PROBABILITY = 0.02;

/** Reads what the disk would hold after a power loss at this moment. */
export class DurableAcknowledgement implements Check {
  readonly name = "durable-acknowledgement";
  readonly #random: Random;
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(parts: { readonly random: Random; readonly shadows: Shadows }, violate: Violate) {
    this.#random = parts.random;
    this.#shadows = parts.shadows;
    this.#violate = violate;
  }

  /** See `Check`. */
  sent(server: SimServer, message: Message): void {
    if (message.type !== "AppendEntriesResult" || !message.success || !this.#random.chance(LOOK_PROBABILITY)) return;
    const { matchIndex } = message;
    const term = this.#shadows.of(server.id).termAt(matchIndex);
    const disk = server.disk.crash();
    const nodeFile = server.damaged ? undefined : loadNodeFile(disk, DIRECTORY, server.id);
    if (nodeFile === undefined) return;
    // A snapshot of a simulated run is read without a pause, so the result is there before anything else happens.
    loadDirectory({ disk, directory: DIRECTORY, pause: () => Promise.resolve(), nodeFile }).then((loaded) => {
      const end = loaded.newest?.lastIncluded.index ?? 0;
      const found = loaded.entries[matchIndex - end - 1];
      if (matchIndex <= end || (found !== undefined && (term === undefined || found.term === term))) return;
      this.#violate(
        `node ${server.id} acknowledged entry ${matchIndex}, but a power loss would leave ${end} and ` +
          `${loaded.entries.length} more (${loaded.damages.map(({ what }) => what).join()})`,
      );
    }, (error: unknown) => this.#violate(`node ${server.id}: its disk cannot be read: ${error}`));
  }
}
