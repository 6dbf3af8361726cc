/** What certificates add to a handshake: each side signs what was said, and the other one looks who has signed. */

import type { NodeId } from "../raft/types.ts";
import { printable, type Statement } from "./control.ts";
import type { PeerSecurity } from "./security.ts";

/** The node that has signed; undefined where the link has no TLS and nobody signs. */
export interface Judged {
  readonly nodeId: NodeId | undefined;
}

/** The evidence for a statement; nothing where the link has no TLS. */
export function evidenceOf(security: PeerSecurity | undefined, parts: readonly string[]): Pick<Statement, "evidence"> {
  return security === undefined ? {} : { evidence: security.sign(parts) };
}

/**
 * Whose evidence came with a statement, or in words why it is worth nothing. The parts are the signer's role, both nonces and whom the
 * dialer means to reach (both in what it said): evidence for one node, or of another handshake, is none for this one.
 */
export function judgeEvidence(
  security: PeerSecurity | undefined,
  { statement: { evidence }, parts }: { readonly statement: Statement; readonly parts: readonly string[] },
): Judged | { readonly objection: string } {
  if (security === undefined) return { nodeId: undefined };
  if (evidence === undefined) return { objection: "it has shown no certificate; nodes here prove theirs" };
  const judgement = security.judge(evidence, parts);
  return "objection" in judgement ? { objection: printable(judgement.objection) } : judgement;
}
