/** The addresses that a new member is said to have. */

import { isAddress, parseAddress, PEER_PORT_OFFSET } from "../../transport/address.ts";
import { NODE_ID_MAX } from "../../raft/types.ts";
import type { MemberChange } from "../api.ts";

/** A new member. */
type Addition = Extract<MemberChange, { readonly type: "Add" }>;

const HOST_FORM = "the host of letters, digits, dots, hyphens and underscores";

/** What an address of a member is, in words. */
export const ADDRESS_FORM = `an address is host:port or [ipv6]:port, ${HOST_FORM}`;

/** The form that `readAddition` reads. */
export const ADDITION_FORM = `[id=]host:port[@peerport], ${HOST_FORM}, or [ipv6]`;

/** Reads a new member as people write it; its peer port is the client port and 10 000 unless it is given. Undefined when it is none. */
export function readAddition(text: string): Addition | undefined {
  const [, digits, clientAddress = "", peerDigits] = /^(?:([0-9]{1,10})=)?([^=@]+)(?:@([0-9]{1,5}))?$/.exec(text) ?? [];
  const port = parseAddress(clientAddress)?.port ?? NaN;
  const host = clientAddress.slice(0, clientAddress.lastIndexOf(":"));
  const peerAddress = `${host}:${peerDigits ?? port + PEER_PORT_OFFSET}`;
  const id = digits === undefined ? undefined : Number(digits);
  if ((id ?? 0) > NODE_ID_MAX || addressFlaw({ peerAddress, clientAddress }) !== undefined) return undefined;
  return { type: "Add", ...(id === undefined ? {} : { id }), peerAddress, clientAddress };
}

/** What is wrong with the addresses of a new member; undefined when nothing is. */
export function addressFlaw(
  { peerAddress, clientAddress, httpAddress }: Omit<Addition, "type">,
): string | undefined {
  const addresses = [peerAddress, clientAddress, ...(httpAddress === undefined ? [] : [httpAddress])];
  const bad = addresses.find((address) => !isAddress(address));
  if (bad !== undefined) return ADDRESS_FORM;
  return new Set(addresses).size < addresses.length ? "every port has an address of its own" : undefined;
}
