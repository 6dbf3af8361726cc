/** Files of an encrypted directory that are not encrypted themselves. */

import { hasMagic, viewOf } from "../binary.ts";
import { corruption } from "../damage.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { isAuthenticated, nodeFileName, nodeIdsOf } from "../node_file.ts";
import { PassingFile } from "../passing_disk.ts";
import { SEALED_SEGMENT_VERSION, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC } from "../wal_format.ts";
import { isSealedFile } from "./sealed_file.ts";

/** Whether that is a segment of the log whose records are plain. What has no header of a segment is none, nor is what was never used. */
export function isPlainSegment(file: DiskFile): boolean {
  const header = new Uint8Array(SEGMENT_HEADER_BYTES);
  file.readAt(0, header);
  return hasMagic(header, { magic: SEGMENT_MAGIC, offset: 0 }) &&
    viewOf(header).getUint32(8, true) !== SEALED_SEGMENT_VERSION;
}

/** Paths in `directory` of node file, segments and snapshots that are plain, those that cannot be told included. */
export function listPlainFiles(disk: Disk, directory: string): readonly string[] {
  const nodeFiles = nodeIdsOf(disk.list(directory)).map(nodeFileName);
  const kinds = [
    { room: "snapshots", ending: ".snap", isPlain: (file: DiskFile) => !isSealedFile(file) },
    { room: "wal", ending: ".wal", isPlain: isPlainSegment },
  ];
  const isPlainAt = (path: string, isPlain: (file: DiskFile) => boolean) =>
    look(disk.open(`${directory}/${path}`, "read"), isPlain);
  return [
    ...nodeFiles.filter((name) => isPlainAt(name, isPlainNodeFile)),
    ...kinds.flatMap(({ room, ending, isPlain }) =>
      disk.list(`${directory}/${room}`).filter((name) => name.endsWith(ending)).map((name) => `${room}/${name}`)
        .filter((path) => isPlainAt(path, isPlain))
    ),
  ];
}

function isPlainNodeFile(file: DiskFile): boolean {
  const bytes = new Uint8Array(file.size());
  file.readAt(0, bytes);
  return !isAuthenticated(bytes, file.path);
}

function look(file: DiskFile, isPlain: (file: DiskFile) => boolean): boolean {
  try {
    return isPlain(file);
  } finally {
    file.close();
  }
}

/** A plain file that nobody of this directory has written: it is listed, and whoever reads it finds it damaged. */
export class RefusedFile extends PassingFile {
  override readAt(): number {
    const what = "it is not encrypted, and was not here when the directory began to be";
    throw corruption({ file: this.path, offset: 0, what });
  }

  override writeAt(): void {
    this.readAt();
  }

  override truncate(): void {
    this.readAt();
  }
}
