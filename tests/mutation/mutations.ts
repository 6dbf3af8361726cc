/** The table of planted bugs. */

import { ABUSE_SLIPS } from "./abuse.ts";
import { ACCESS_SLIPS } from "./access.ts";
import { ACL_LOG_SLIPS, KEPT_WORDS_SLIPS, OTHER_PROTOCOL_SLIPS } from "./acl_log.ts";
import { ADDRESS_SLIPS } from "./addresses.ts";
import { BACKUP_SLIPS } from "./backups.ts";
import { AUDIT_SLIPS } from "./audit.ts";
import { BEFORE_LOGIN_SLIPS } from "./before_login.ts";
import { BUGS_1 } from "./bugs_1.ts";
import { BUGS_2 } from "./bugs_2.ts";
import { BUGS_3 } from "./bugs_3.ts";
import { BYTE_SLIPS } from "./bytes.ts";
import { CERTIFIED_CLIENT_SLIPS } from "./certified_clients.ts";
import { CERTIFICATE_SLIPS } from "./certificates.ts";
import { CLIENT_CERTIFICATE_SLIPS } from "./client_certificates.ts";
import { COMPRESSION_SLIPS } from "./compression.ts";
import { CONVERSATION_SLIPS } from "./conversation.ts";
import { DEFAULT_SLIPS } from "./defaults.ts";
import { DISK_SLIPS } from "./disk.ts";
import { ENCRYPTION_SLIPS } from "./encryption.ts";
import { EXPORT_SLIPS } from "./exports.ts";
import { FOUNDING_SLIPS } from "./founding.ts";
import { FRESHNESS_SLIPS } from "./freshness.ts";
import { FURTHER_SLIPS } from "./further_slips.ts";
import { FORWARDING_SLIPS } from "./forwarding.ts";
import { HANDOVER_SLIPS } from "./handover.ts";
import { HISTORY_SLIPS } from "./history.ts";
import { INTERFACE_SLIPS } from "./interfaces.ts";
import { JOINING_SLIPS } from "./joining.ts";
import { JUDGE_SLIPS } from "./judges.ts";
import { MEMORY_SLIPS } from "./memory.ts";
import { MEMBER_CHANGE_SLIPS } from "./member_changes.ts";
import type { Mutation } from "./mutation.ts";
import { OUTCOME_SLIPS } from "./outcomes.ts";
import { PROTOCOL_SLIPS } from "./protocols.ts";
import { QUESTION_SLIPS } from "./questions.ts";
import { RECOVERY_SLIPS } from "./recovery.ts";
import { REVOCATION_SLIPS } from "./revocations.ts";
import { RIGHT_SLIPS } from "./rights.ts";
import { QUARANTINE_SHOWN_SLIPS, SELF_CHECK_SLIPS } from "./self_check.ts";
import { SESSION_OWNER_SLIPS } from "./session_owners.ts";
import { ROLLING_SLIPS } from "./rolling.ts";
import { SLIPS } from "./slips.ts";
import { LOGIN_SLIPS } from "./logins.ts";
import { SCRUB_SLIPS } from "./scrub.ts";
import { SNAPSHOT_SLIPS } from "./snapshots.ts";
import { SIMULATOR_SLIPS } from "./simulator_slips.ts";
import { SURVIVORS } from "./survivors.ts";
import { TIME_SLIPS } from "./time.ts";
import { PEER_TLS_SLIPS } from "./peer_tls.ts";
import { TOKEN_SLIPS } from "./tokens.ts";
import { TLS_CLIENT_SLIPS } from "./tls_clients.ts";
import { VERSION_SLIPS } from "./versions.ts";
import { WEB_LOGIN_SLIPS } from "./web_logins.ts";
import { WRITE_RUN_SLIPS } from "./write_runs.ts";

/** Bugs that other systems had (B), with a letter where there are several ways to have one, and slips of our own (M). */
export const MUTATIONS: readonly Mutation[] = [
  ...BUGS_1,
  ...BUGS_2,
  ...BUGS_3,
  ...SLIPS,
  ...TIME_SLIPS,
  ...FORWARDING_SLIPS,
  ...DISK_SLIPS,
  ...ENCRYPTION_SLIPS,
  ...FRESHNESS_SLIPS,
  ...SNAPSHOT_SLIPS,
  ...SURVIVORS,
  ...FURTHER_SLIPS,
  ...INTERFACE_SLIPS,
  ...VERSION_SLIPS,
  ...FOUNDING_SLIPS,
  ...RECOVERY_SLIPS,
  ...CERTIFICATE_SLIPS,
  ...SIMULATOR_SLIPS,
  ...OUTCOME_SLIPS,
  ...CONVERSATION_SLIPS,
  ...BYTE_SLIPS,
  ...QUESTION_SLIPS,
  ...JUDGE_SLIPS,
  ...MEMORY_SLIPS,
  ...HANDOVER_SLIPS,
  ...PROTOCOL_SLIPS,
  ...MEMBER_CHANGE_SLIPS,
  ...JOINING_SLIPS,
  ...ADDRESS_SLIPS,
  ...PEER_TLS_SLIPS,
  ...TLS_CLIENT_SLIPS,
  ...CLIENT_CERTIFICATE_SLIPS,
  ...ACCESS_SLIPS,
  ...BACKUP_SLIPS,
  ...EXPORT_SLIPS,
  ...HISTORY_SLIPS,
  ...DEFAULT_SLIPS,
  ...AUDIT_SLIPS,
  ...ABUSE_SLIPS,
  ...RIGHT_SLIPS,
  ...REVOCATION_SLIPS,
  ...TOKEN_SLIPS,
  ...SESSION_OWNER_SLIPS,
  ...SELF_CHECK_SLIPS,
  ...QUARANTINE_SHOWN_SLIPS,
  ...ACL_LOG_SLIPS,
  ...KEPT_WORDS_SLIPS,
  ...OTHER_PROTOCOL_SLIPS,
  ...CERTIFIED_CLIENT_SLIPS,
  ...ROLLING_SLIPS,
  ...WEB_LOGIN_SLIPS,
  ...WRITE_RUN_SLIPS,
  ...COMPRESSION_SLIPS,
  ...BEFORE_LOGIN_SLIPS,
  ...LOGIN_SLIPS,
  ...SCRUB_SLIPS,
];
