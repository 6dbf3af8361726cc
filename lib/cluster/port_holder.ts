/** Finds the program that listens on a port, where Linux tells: no other program is started for it. */

/** What is read of the system, so that tests can give another one. Each throws what the system throws. */
export interface ProcessTable {
  readText(path: string): string;
  list(path: string): readonly string[];
  readLink(path: string): string;
}

/** The process table of this machine. */
export const SYSTEM_PROCESS_TABLE: ProcessTable = {
  readText: (path) => Deno.readTextFileSync(path),
  list: (path) => Array.from(Deno.readDirSync(path), (entry) => entry.name),
  readLink: (path) => Deno.readLinkSync(path),
};

/** A program that holds a port. */
export interface PortHolder {
  readonly pid: number;
  readonly name: string;
}

const LISTENING = "0A";

/**
 * The program that listens on `port`; undefined when the system does not tell (another system than Linux, another
 * user's process, or a Deno that was not given the right to read /proc, which takes --allow-all).
 */
export function findPortHolder(port: number, table: ProcessTable): PortHolder | undefined {
  const sockets = new Set<string>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const inode of listeningInodes(attempt(() => table.readText(file)) ?? "", port)) {
      sockets.add(`socket:[${inode}]`);
    }
  }
  if (sockets.size === 0) return undefined;
  for (const pid of attempt(() => table.list("/proc")) ?? []) {
    if (!/^[0-9]+$/.test(pid) || !holdsSocket(pid, { sockets, table })) continue;
    const name = attempt(() => table.readText(`/proc/${pid}/comm`).trim());
    return { pid: Number(pid), name: name ?? "unknown" };
  }
  return undefined;
}

/** Lines look like `0: 0100007F:1388 00000000:0000 0A ... inode ...`, numbers in hexadecimal but for the inode. */
function listeningInodes(text: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes: string[] = [];
  for (const line of text.split("\n")) {
    const fields = line.trim().split(/ +/);
    const inode = fields[9];
    if (fields[3] === LISTENING && fields[1]?.endsWith(`:${wanted}`) && inode !== undefined) inodes.push(inode);
  }
  return inodes;
}

function holdsSocket(pid: string, { sockets, table }: { sockets: Set<string>; table: ProcessTable }): boolean {
  const folder = `/proc/${pid}/fd`;
  return (attempt(() => table.list(folder)) ?? []).some((name) => {
    const target = attempt(() => table.readLink(`${folder}/${name}`));
    return target !== undefined && sockets.has(target);
  });
}

/** What the system refuses to tell, or what has ended meanwhile, is not known; that is no error here. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
