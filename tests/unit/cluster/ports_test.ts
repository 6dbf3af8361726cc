import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findPortHolder, type ProcessTable } from "../../../lib/cluster/port_holder.ts";
import { findPortProblem, type PortSystem, THIS_SYSTEM, type WantedPort } from "../../../lib/cluster/ports.ts";

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1389 0100007F:1388 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
`;
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:138A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0
`;

/** A /proc with two processes, one of which may not be looked into. */
const TABLE: ProcessTable = {
  readText: (path) => {
    const texts: Record<string, string> = {
      "/proc/net/tcp": TCP,
      "/proc/net/tcp6": TCP6,
      "/proc/42/comm": "python3\n",
    };
    const text = texts[path];
    if (text === undefined) throw new Deno.errors.NotFound(path);
    return text;
  },
  list: (path) => {
    if (path === "/proc") return ["self", "7", "42", "net"];
    if (path === "/proc/42/fd") return ["0", "1", "3", "4"];
    throw new Deno.errors.PermissionDenied(path);
  },
  readLink: (path) => {
    const links: Record<string, string> = { "/proc/42/fd/3": "socket:[4711]", "/proc/42/fd/4": "socket:[4713]" };
    const link = links[path];
    if (link === undefined) throw new Deno.errors.PermissionDenied(path);
    return link;
  },
};

const BARE: ProcessTable = {
  readText: () => {
    throw new Deno.errors.NotCapable("no");
  },
  list: () => [],
  readLink: () => "",
};

Deno.test("the program that listens on a port is found in /proc", () => {
  assertEquals(findPortHolder(5000, TABLE), { pid: 42, name: "python3" });
  assertEquals(findPortHolder(5002, TABLE), { pid: 42, name: "python3" });
  assertEquals(findPortHolder(5001, TABLE), undefined, "a connection is no listener");
  assertEquals(findPortHolder(5003, TABLE), undefined);
  assertEquals(findPortHolder(5000, BARE), undefined);
});

Deno.test("a taken port is told with its holder, the flag that changes it and the hint of the system", async () => {
  const wanted = { host: "127.0.0.1", port: 5000, flag: "--port" };
  const taken = new Deno.errors.AddrInUse("in use");
  const start = "Port 5000 on 127.0.0.1 is already in use";
  const cases: [system: FakeSystem, line: string][] = [
    [{ os: "linux", table: TABLE }, `${start} by python3 (process 42); --port changes it`],
    [{ os: "linux", table: BARE }, `${start}; --port changes it`],
    [
      { os: "linux", table: BARE, nodeId: 2 },
      `${start} by KVStore node 2, which is running already; --port changes it`,
    ],
    [
      { os: "linux", table: TABLE, nodeId: 2 },
      `${start} by python3 (process 42): KVStore node 2, which is running already; --port changes it`,
    ],
    [
      { os: "darwin", table: TABLE },
      `${start}; --port changes it; ` +
      "on macOS this may be AirPlay Receiver (System Settings, General, AirDrop & Handoff)",
    ],
  ];
  for (const [system, line] of cases) assertEquals(await problemLine(wanted, failing(taken, system)), line);
  const other = await problemLine({ ...wanted, port: 5001 }, failing(taken, { os: "darwin", table: BARE }));
  assertEquals(other, "Port 5001 on 127.0.0.1 is already in use; --port changes it");
});

Deno.test("other reasons are told in the words of the system", async () => {
  const wanted = { host: "10.1.2.3", port: 80, flag: "--port" };
  const system = { os: "linux", table: BARE };
  assertEquals(
    await problemLine(wanted, failing(new Deno.errors.AddrNotAvailable("not here"), system)),
    "Cannot listen on port 80 of 10.1.2.3: not here; --host changes the address and --port the port",
  );
  const denied = await problemLine(wanted, failing(new Deno.errors.PermissionDenied("denied"), system));
  assertStringIncludes(denied ?? "", "below 1024 needs privileges");
});

Deno.test("on this machine a port that is held is a problem, and a free one is not", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const wanted = { host: "127.0.0.1", port: listener.addr.port, flag: "--peer-port" };
  const line = await problemLine(wanted, THIS_SYSTEM);
  assertMatch(line ?? "", /^Port [0-9]+ on 127\.0\.0\.1 is already in use.*; --peer-port changes it$/);
  listener.close();
  assertEquals(await problemLine(wanted, THIS_SYSTEM), undefined);
});

interface FakeSystem {
  readonly os: string;
  readonly table: ProcessTable;
  readonly nodeId?: number;
}

async function problemLine(wanted: WantedPort, system: PortSystem): Promise<string | undefined> {
  return (await findPortProblem([wanted], system))?.line;
}

function failing(error: Error, { os, table, nodeId }: FakeSystem): PortSystem {
  return {
    os,
    table,
    tryListen: () => {
      throw error;
    },
    askForNode: () => Promise.resolve(nodeId),
    ephemeralPorts: () => ({ first: 32_768, last: 60_999, isReserved: () => false }),
  };
}
