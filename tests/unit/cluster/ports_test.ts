import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findPortHolder, type ProcessTable } from "../../../lib/cluster/port_holder.ts";
import { findPortProblem, type PortSystem, THIS_SYSTEM } from "../../../lib/cluster/ports.ts";

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

Deno.test("a taken port is told with its holder, the flag that changes it and the hint of the system", () => {
  const wanted = { host: "127.0.0.1", port: 5000, flag: "--port" };
  const cases: [os: string, table: ProcessTable, line: string][] = [
    ["linux", TABLE, "Port 5000 on 127.0.0.1 is already in use by python3 (process 42); --port changes it"],
    ["linux", BARE, "Port 5000 on 127.0.0.1 is already in use; --port changes it"],
    [
      "darwin",
      TABLE,
      "Port 5000 on 127.0.0.1 is already in use; --port changes it; " +
      "on macOS this may be AirPlay Receiver (System Settings, General, AirDrop & Handoff)",
    ],
  ];
  for (const [os, table, line] of cases) {
    assertEquals(findPortProblem([wanted], failing(new Deno.errors.AddrInUse("in use"), { os, table }))?.line, line);
  }
  const other = findPortProblem(
    [{ ...wanted, port: 5001 }],
    failing(new Deno.errors.AddrInUse("x"), { os: "darwin", table: BARE }),
  );
  assertEquals(other?.line, "Port 5001 on 127.0.0.1 is already in use; --port changes it");
});

Deno.test("other reasons are told in the words of the system", () => {
  const wanted = { host: "10.1.2.3", port: 80, flag: "--port" };
  const unavailable = findPortProblem(
    [wanted],
    failing(new Deno.errors.AddrNotAvailable("not here"), { os: "linux", table: BARE }),
  );
  assertEquals(
    unavailable?.line,
    "Cannot listen on port 80 of 10.1.2.3: not here; --host changes the address and --port the port",
  );
  const denied = findPortProblem(
    [wanted],
    failing(new Deno.errors.PermissionDenied("denied"), { os: "linux", table: BARE }),
  );
  assertStringIncludes(denied?.line ?? "", "below 1024 needs privileges");
});

Deno.test("on this machine a port that is held is a problem, and a free one is not", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const wanted = { host: "127.0.0.1", port: listener.addr.port, flag: "--peer-port" };
  assertMatch(
    findPortProblem([wanted], THIS_SYSTEM)?.line ?? "",
    /^Port [0-9]+ on 127\.0\.0\.1 is already in use.*; --peer-port changes it/,
  );
  listener.close();
  assertEquals(findPortProblem([wanted], THIS_SYSTEM), undefined);
});

function failing(error: Error, { os, table }: { os: string; table: ProcessTable }): PortSystem {
  return {
    os,
    table,
    tryListen: () => {
      throw error;
    },
  };
}
