/** What a run of backups by time tells Prometheus: a file for the textfile collector of node_exporter. */

/** The figures. */
export interface BackupFigures {
  /** When the newest whole backup was begun, in seconds since 1970; 0 where there is none. */
  readonly lastSuccessSeconds: number;
  /** The time between two backups, in seconds. */
  readonly intervalSeconds: number;
  /** 0 when the last attempt of this run made no backup, else 1. */
  readonly lastAttemptSucceeded: number;
  /** Attempts of this run that failed. */
  readonly failures: number;
  /** Size of the newest whole backup; 0 where there is none. */
  readonly lastSuccessBytes: number;
}

/** In the order of the file. */
const TABLE: readonly (readonly [name: string, field: keyof BackupFigures, help: string])[] = [
  [
    "kvstore_backup_last_success_timestamp_seconds",
    "lastSuccessSeconds",
    "When the newest whole backup was begun, 0 for none.",
  ],
  ["kvstore_backup_interval_seconds", "intervalSeconds", "Time between two backups."],
  ["kvstore_backup_last_attempt_succeeded", "lastAttemptSucceeded", "Whether the last attempt made a backup."],
  ["kvstore_backup_failures_total", "failures", "Attempts that failed since the start of the process."],
  ["kvstore_backup_last_success_bytes", "lastSuccessBytes", "Size of the newest whole backup."],
];

/** The names of the metrics. */
export const BACKUP_METRICS: readonly string[] = TABLE.map(([name]) => name);

/** The text of the file. */
export function showFigures(figures: BackupFigures): string {
  return TABLE.map(([name, field, help]) => {
    const type = name.endsWith("_total") ? "counter" : "gauge";
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${figures[field]}\n`;
  }).join("");
}
