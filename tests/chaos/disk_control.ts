/** What the chaos program tells the disk of a node: a small file beside the node's directory. */

/** The state of a disk. */
export interface DiskControl {
  /** Every sync takes so much longer. */
  readonly syncDelayMs: number;
  /** The files of the node may have so many bytes together; null for no bound. */
  readonly bytesMax: number | null;
  /** Every sync fails. */
  readonly failSync: boolean;
  /** Size of a log segment; read once, when the node starts. */
  readonly segmentBytes: number;
}

/** Segments so small that they fill up within seconds, and a full disk is noticed. */
export const HEALTHY_DISK: DiskControl = {
  syncDelayMs: 0,
  bytesMax: null,
  failSync: false,
  segmentBytes: 65_536,
};

/** What a fault of the disk did to its node. */
export type DiskEffect = "sync-failed" | "sync-slowed" | "no-room";

/** What a node writes to its standard output when it feels a fault; after a failed sync it must end with code 75. */
export const EFFECT_LINES: Readonly<Record<DiskEffect, string>> = {
  "sync-failed": "chaos: a sync was made to fail",
  "sync-slowed": "chaos: a sync was made to take longer",
  "no-room": "chaos: a write found no room",
};

/** The control file of the node that keeps its data in `directory`. */
export function controlPath(directory: string): string {
  return `${directory}.disk.json`;
}

/** Tells the node that keeps its data in `directory`; it notices within some milliseconds. */
export function writeDiskControl(directory: string, control: DiskControl): void {
  const path = controlPath(directory);
  // By renaming, so that the node never reads half of it.
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(control));
  Deno.renameSync(`${path}.new`, path);
}

/** What was told last; a healthy disk when nothing was. */
export function readDiskControl(directory: string): DiskControl {
  try {
    const told: Partial<DiskControl> = JSON.parse(Deno.readTextFileSync(controlPath(directory)));
    return { ...HEALTHY_DISK, ...told };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return HEALTHY_DISK;
    throw error;
  }
}
