/** Numbers with units, for people; the exact number comes first where programs may want it. */

const BYTE_UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** "512 bytes", "1536 bytes (1.5 KiB)". */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  let scaled = bytes;
  let unit = "";
  for (const next of BYTE_UNITS) {
    if (scaled < 1_024) break;
    scaled /= 1_024;
    unit = next;
  }
  return `${bytes} bytes (${scaled.toFixed(1)} ${unit})`;
}

/** "42 s", "3 m 12 s", "1 h 0 m 5 s", "2 d 4 h 0 m": down to seconds, for days down to minutes. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h ${minutes % 60} m`;
  if (hours > 0) return `${hours} h ${minutes % 60} m ${seconds % 60} s`;
  return minutes > 0 ? `${minutes} m ${seconds % 60} s` : `${seconds} s`;
}

/** "0.123 ms": milliseconds with three decimals. */
export function formatMilliseconds(milliseconds: number): string {
  return `${milliseconds.toFixed(3)} ms`;
}

/** "99.5 %" of `whole`; "none" when that is zero. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? "none" : `${(part / whole * 100).toFixed(1)} %`;
}

/** The value, or a word in its place. */
export function orElse(value: number | string | undefined, otherwise: string): string {
  return value === undefined ? otherwise : String(value);
}
