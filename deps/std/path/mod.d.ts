/** The last part of a path, without `suffix`. */
export function basename(path: string, suffix?: string): string;
/** The folder of a path. */
export function dirname(path: string): string;
/** The path of a file URL. */
export function fromFileUrl(url: string | URL): string;
/** Joins and normalises parts. */
export function join(...paths: string[]): string;
/** Joins parts to an absolute path. */
export function resolve(...paths: string[]): string;
