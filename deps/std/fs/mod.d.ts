/** Creates a folder and its parents; one that is there already is fine. */
export function ensureDir(path: string | URL): Promise<void>;
/** Whether something is at `path`. */
export function exists(path: string | URL): Promise<boolean>;
