/**
 * docs/formats.md: a process takes an epoch that nothing on its disk has yet, and leaves nothing behind the end of its log: so
 * no record of an earlier process is ever taken for one of its own.
 */

import { scanWal, type WalScan } from "../../../lib/storage/wal_scan.ts";
import { DIRECTORY } from "../../support/memory/memory_server.ts";
import type { Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { SimServer } from "../server.ts";

const WAL_DIRECTORY = `${DIRECTORY}/wal`;

/** Reads the log before a process does, and once it serves. */
export class RecoveredDirectory implements Check {
  readonly name = "recovered-directory";
  /** By life: the highest epoch that stood on the disk. */
  readonly #epochs = new WeakMap<object, number>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `Check`. */
  starting(server: SimServer): void {
    this.#epochs.set(server.life, scanOf(server)?.epoch ?? 0);
  }

  /** See `Check`. */
  started(server: SimServer): void {
    const scan = scanOf(server);
    if (scan === undefined) return;
    const before = this.#epochs.get(server.life) ?? 0;
    if (scan.mark !== undefined && scan.mark.epoch <= before) {
      this.#violate(
        `node ${server.id} runs in epoch ${scan.mark.epoch}, and its disk had epoch ${before} before it started`,
      );
    }
    if (scan.tornBytes > 0) this.#violate(`node ${server.id} left ${scan.tornBytes} bytes behind the end of its log`);
  }
}

/** What a process that is killed now leaves in the page cache. Of a damaged log nothing is said. */
function scanOf(server: SimServer): WalScan | undefined {
  if (server.damaged) return undefined;
  const disk = server.disk.crash({
    keepOperation: () => true,
    keepVersions: (_path, _sector, versions) => versions,
    keepSize: () => true,
  });
  return disk.exists(WAL_DIRECTORY) ? scanWal(disk, WAL_DIRECTORY, () => undefined) : undefined;
}
