/** The files for Prometheus, Grafana and systemd that the program carries; `deno compile --include` puts them into the executable. */

/** Where each lies below `assets`, and below the directory that they are written to. */
export const ASSET_PATHS = ["prometheus/alerts.yml", "grafana/kvstore.json", "systemd/kvstore.service"] as const;

/** The text of one of them. */
export function readAsset(path: (typeof ASSET_PATHS)[number]): Promise<string> {
  return Deno.readTextFile(new URL(`./assets/${path}`, import.meta.url));
}
