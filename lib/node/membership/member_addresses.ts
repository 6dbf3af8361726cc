/** The addresses that a new member is said to have. */

import { parseAddress } from "../../transport/address.ts";
import type { MemberChange } from "../api.ts";

/** Longest address of a member: a name of the DNS, a port and what separates them. */
export const ADDRESS_LENGTH_MAX = 262;

/** What is wrong with the addresses of a new member; undefined when nothing is. */
export function addressFlaw(
  { peerAddress, clientAddress, httpAddress }: Omit<Extract<MemberChange, { readonly type: "Add" }>, "type">,
): string | undefined {
  const addresses = [peerAddress, clientAddress, ...(httpAddress === undefined ? [] : [httpAddress])];
  const bad = addresses.find((address) => !isAddress(address));
  if (bad !== undefined) return "an address is host:port or [ipv6]:port, without blanks";
  return new Set(addresses).size < addresses.length ? "every port has an address of its own" : undefined;
}

function isAddress(text: string): boolean {
  return text.length <= ADDRESS_LENGTH_MAX && /^[\x21-\x7e]+$/.test(text) && parseAddress(text) !== undefined;
}
