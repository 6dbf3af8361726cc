/** By what clients say who they are, and whether that is still good. */

import { NEVER } from "../../../lib/kv/tokens.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { World } from "../world.ts";

/** A token, and whose it is. */
export interface Credentials {
  /** The login of who comes in by it. */
  readonly login: number;
  readonly user: string;
  readonly token: string;
}

/** The last entry that a node has applied, within what applies entries as well. */
export function appliedIndex(node: Node): number {
  return node.driver.applied.state.lastApplied;
}

/** Whether a login holds by what a node has applied. */
export function holdsAt(world: World, { node, login }: { readonly node: Node; readonly login: number }): boolean {
  return world.reference.allowsAt(login, appliedIndex(node));
}

/** A token that was shown to a node, and what the node had applied then. */
export interface Shown {
  readonly node: Node;
  readonly login: number;
  readonly shownAt: number;
}

/** Whether a token was good at any moment since it was shown: then its node may let in whoever showed it. */
export function wasGood({ reference }: World, { node, login, shownAt }: Shown): boolean {
  // The entry that made it is what the login is called by.
  return login <= appliedIndex(node) && reference.allowsAt(login, Math.max(shownAt, login));
}

/**
 * Whether a node may refuse a token: it was not good when it was shown or when it was judged, or its time is over though no entry has said
 * so yet.
 */
export function mayBeRefused({ reference }: World, { node, login, shownAt }: Shown): boolean {
  const { expiresAt = NEVER } = reference.tokenOf(login) ?? {};
  const isOver = expiresAt !== NEVER && expiresAt <= node.timeMs();
  return isOver || [shownAt, appliedIndex(node)].some((index) => !reference.allowsAt(login, index));
}
