import { assertEquals, assertThrows } from "@std/assert";
import { type OwnAddress, resolvePeers, seedAddresses } from "../../../lib/cli/peers.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";

const OWN: OwnAddress = { nodeId: undefined, host: "127.0.0.1", port: 5000, portGiven: true, peerPort: undefined };

function resolve(list: string | undefined, own: Partial<OwnAddress> = {}): { nodeId: number; members: string[] } {
  const { nodeId, members } = resolvePeers(list, { ...OWN, ...own });
  return { nodeId, members: members.map((member) => `${member.id}=${member.clientAddress}@${member.address}`) };
}

const THREE = [
  "0=127.0.0.1:5000@127.0.0.1:15000",
  "1=127.0.0.1:5001@127.0.0.1:15001",
  "2=127.0.0.1:5002@127.0.0.1:15002",
];

Deno.test("every way to write the same three nodes gives the same members", () => {
  const lists: [list: string, own: Partial<OwnAddress>][] = [
    ["5001,5002", {}],
    [" 5002 , 5001 ", {}],
    ["5000,5001,5002", {}],
    ["5001,5002", { nodeId: 0 }],
    ["localhost:5001,127.0.0.1:5002", { host: "LOCALHOST" }],
    ["5001@15001,5002@15002", {}],
    ["1=5001,2=5002", { nodeId: 0 }],
    ["1=127.0.0.1:5001,2=127.0.0.1:5002@15002", { nodeId: 0 }],
    ["2=5002,1=5001,0=5000", {}],
    ["0=127.0.0.1:5000@15000,1=5001,2=5002", { nodeId: 0, portGiven: false }],
    ["0=127.0.0.1:5000@15000,1=5001,2=5002", { nodeId: 0, peerPort: 15_000 }],
  ];
  for (const [list, own] of lists) assertEquals(resolve(list, own), { nodeId: 0, members: THREE }, list);
  assertEquals(resolve("5000,5002", { port: 5001 }), { nodeId: 1, members: THREE });
  assertEquals(resolve("5000,5001", { port: 5002, nodeId: 2 }), { nodeId: 2, members: THREE });
});

Deno.test("ranks follow hosts by number and then ports by number", () => {
  const hosts = resolve("10.0.0.10:5000,10.0.0.9:6000,10.0.0.9:700", { host: "10.0.0.2" });
  assertEquals(hosts.members.map((member) => member.split("@")[0]), [
    "0=10.0.0.2:5000",
    "1=10.0.0.9:700",
    "2=10.0.0.9:6000",
    "3=10.0.0.10:5000",
  ]);
});

Deno.test("ids, ports and addresses of other forms", () => {
  const cases: [list: string | undefined, own: Partial<OwnAddress>, expected: ReturnType<typeof resolve>][] = [
    [undefined, {}, { nodeId: 0, members: ["0=127.0.0.1:5000@127.0.0.1:15000"] }],
    [undefined, { nodeId: 7 }, { nodeId: 7, members: ["7=127.0.0.1:5000@127.0.0.1:15000"] }],
    [undefined, { host: "0.0.0.0" }, { nodeId: 0, members: ["0=0.0.0.0:5000@0.0.0.0:15000"] }],
    ["10=db.example:5000@9000", { nodeId: 4, host: "10.0.0.1", peerPort: 77 }, {
      nodeId: 4,
      members: ["4=10.0.0.1:5000@10.0.0.1:77", "10=db.example:5000@db.example:9000"],
    }],
    ["[fe80::1]:5000", { host: "fe80::2" }, {
      nodeId: 1,
      members: ["0=[fe80::1]:5000@[fe80::1]:15000", "1=[fe80::2]:5000@[fe80::2]:15000"],
    }],
    ["0=10.0.0.1:5000,1=10.0.0.2:5000", { nodeId: 0, host: "0.0.0.0" }, {
      nodeId: 0,
      members: ["0=10.0.0.1:5000@10.0.0.1:15000", "1=10.0.0.2:5000@10.0.0.2:15000"],
    }],
  ];
  for (const [list, own, expected] of cases) assertEquals(resolve(list, own), expected, list);
});

Deno.test("a list that does not fit is refused with an explanation", () => {
  const cases: [list: string, own: Partial<OwnAddress>, message: string][] = [
    [
      "5001,5002",
      { nodeId: 1 },
      "--node-id 1 does not fit: without ids in --peers a node's id is the rank of its address, here 0",
    ],
    ["5000,5001", { nodeId: 3, port: 5002 }, "give --node-id 2"],
    ["5001,5001", {}, "--peers names the address 127.0.0.1:5001 twice"],
    ["5001,localhost:5001", {}, "--peers names the address 127.0.0.1:5001 twice"],
    ["1=5001,1=5002", { nodeId: 0 }, "--peers names the id 1 twice"],
    ["5001@15002,5002", {}, "--peers names the address 127.0.0.1:15002 twice"],
    ["5001@5000", {}, "--peers names the address 127.0.0.1:5000 twice"],
    ["1=5000,2=5002", { nodeId: 0 }, "--peers names the address 127.0.0.1:5000 twice"],
    ["1=5001,5002", {}, "--peers mixes entries with and without an id"],
    ["1=5001,2=5002", {}, "--peers names nodes by id, but not which of them this one is; give --node-id"],
    ["0=5005,1=5001", { nodeId: 0 }, "--peers gives this node the port 5005, but --port is 5000"],
    ["0=5000,1=5001", { nodeId: 0, peerPort: 9 }, "--peers gives this node the peer port 15000, but --peer-port is 9"],
    ["5000,5001", { peerPort: 9 }, "--peers gives this node the peer port 15000, but --peer-port is 9"],
    ["abc", {}, '--peers has the entry "abc"; write a port (5001)'],
    ["0", {}, '--peers has the entry "0"'],
    ["host:70000", {}, '--peers has the entry "host:70000"'],
    ["x=5001", { nodeId: 0 }, '--peers has the entry "x=5001"'],
    ["1=", { nodeId: 0 }, '--peers has the entry "1="'],
    ["5001@0", {}, '--peers has the entry "5001@0"'],
    ["5001@65536", {}, '--peers has the entry "5001@65536"'],
    ["9999999999=5001", { nodeId: 0 }, '--peers has the entry "9999999999=5001"'],
    ["$(x):5001", {}, '--peers has the entry "$(x):5001"; an address is host:port or [ipv6]:port'],
    ["1=h\u00fcgel:5001", { nodeId: 0 }, '--peers has the entry "1=h\u00fcgel:5001"; an address is host:port'],
    ["60000", {}, "Port 60000 leaves no room for its peer port"],
    ["10.0.0.2:5000", {}, "Node 10.0.0.2:5000 cannot reach this one at 127.0.0.1; give --host"],
    ["1=10.0.0.2:5000", { nodeId: 0 }, "Node 10.0.0.2:5000 cannot reach this one at 127.0.0.1; give --host"],
    ["10.0.0.2:5000", { host: "0.0.0.0" }, "Other nodes cannot reach this one at 0.0.0.0"],
    [
      "0=10.0.0.1:5000,1=10.0.0.2:5000",
      { nodeId: 0 },
      "--peers names this node by 10.0.0.1, but it would listen on 127.0.0.1 only",
    ],
  ];
  for (const [list, own, message] of cases) assertThrows(() => resolve(list, own), UsageError, message, list);
});

Deno.test("what --join names is what a server can have as its address", () => {
  assertEquals(seedAddresses("5001,db:5000@7000,[::1]:5002", "127.0.0.1"), [
    "127.0.0.1:15001",
    "db:7000",
    "[::1]:15002",
  ]);
  const message = '--join has the entry "a;b:5000"; an address is host:port';
  assertThrows(() => seedAddresses("5001,a;b:5000", "127.0.0.1"), UsageError, message);
});
