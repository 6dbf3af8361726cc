/** What this program can read of what stands in log and snapshots. */

import { CONTENT_VERSIONS } from "../kv/content_versions.ts";
import type { ContentVersions } from "../storage/version_check.ts";
import { SPOKEN_VERSIONS, type VersionRange } from "../transport/versions.ts";

/** Commands and states of its own versions, and every level that it can speak; for tests, what another program can. */
export function knownContents({ newest }: VersionRange = SPOKEN_VERSIONS): ContentVersions {
  return { ...CONTENT_VERSIONS, levelMax: newest };
}
