import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { AccessError, CorruptionError, DirectoryLockedError, DiskFailureError } from "../../../lib/base/errors.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { type NodeParts, runNode } from "../../../lib/cli/node_command.ts";
import { nodeDirectory, serverOptions } from "../../../lib/cli/server_settings.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import type { RunningServer, ServerOptions } from "../../../lib/cluster/server_types.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

/** A server that starts as told and remembers with what. */
function stage(args: string[] = [], { startError }: { startError?: Error } = {}) {
  const failed = Promise.withResolvers<Error>();
  const stop = Promise.withResolvers<void>();
  const kill = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const started: ServerOptions[] = [];
  const events: string[] = [];
  const hangups: (() => void)[] = [];
  const parts: NodeParts = {
    startServer: (options) => {
      started.push(options);
      if (startError !== undefined) return Promise.reject(startError);
      const server: Partial<RunningServer> = {
        clientAddress: "127.0.0.1:5000",
        peerAddress: "127.0.0.1:15000",
        httpAddress: "127.0.0.1:8000",
        failed: failed.promise,
        reload: () => events.push("reload"),
        stop: () => {
          events.push("stop");
          return stopped.promise;
        },
      };
      return Promise.resolve(server as RunningServer);
    },
    system: {
      os: "linux",
      table: { readText: () => "", list: () => [], readLink: () => "" },
      tryListen: () => {},
      askForNode: () => Promise.resolve(undefined),
      ephemeralPorts: () => ({ first: 32_768, last: 60_999, isReserved: () => false }),
    },
    requests: { stop: stop.promise, kill: kill.promise },
    onHangup: (action) => hangups.push(action),
  };
  const surroundings = fakeSurroundings();
  const context = { settings: settingsOf(...args), operands: [], surroundings };
  return { parts, context, surroundings, started, events, hangups, failed, stop, kill, stopped };
}

const NOTHING = () => {};

Deno.test("a node on a port that the system gives to others says so at its start, and starts", async () => {
  const { parts, context, surroundings, stop, stopped } = stage(["--port", "43000"]);
  const exit = runNode(context, parts);
  stop.resolve();
  stopped.resolve();
  assertEquals(await exit, 0);
  assertStringIncludes(surroundings.errors(), "Ports 43000, 46000 and 53000 are among those that the system gives");
});

Deno.test("a node says that it is ready, and stops with 0", async () => {
  const { parts, context, surroundings, events, stop, stopped } = stage(["--log-level", "error"]);
  const exit = runNode(context, parts);
  stop.resolve();
  stopped.resolve();
  assertEquals(await exit, 0);
  assertEquals(
    surroundings.output(),
    "kvstore node 0 is ready: clients 127.0.0.1:5000, HTTP 127.0.0.1:8000, peers 127.0.0.1:15000, " +
      "data ./kvstore-data/node-0\n",
  );
  assertEquals([events, surroundings.errors()], [["stop"], ""]);
});

Deno.test("a second signal ends a node that does not stop", async () => {
  const { parts, context, stop, kill } = stage();
  const exit = runNode(context, parts);
  stop.resolve();
  kill.resolve();
  assertEquals(await exit, 130);
});

Deno.test("a failure while running is logged and has its exit code", async () => {
  const cases: [error: Error, exitCode: number, line: string][] = [
    [
      new DiskFailureError("wal/1.wal", { operation: "sync", cause: new Error("EIO") }),
      75,
      "ERROR Cannot sync wal/1.wal: EIO",
    ],
    [
      new CorruptionError("a.snap", { offset: 12, what: "bad checksum" }),
      74,
      "ERROR Damaged data in a.snap at offset 12: bad checksum",
    ],
    [new RangeError("oops"), 1, "ERROR Bug: RangeError: oops"],
  ];
  for (const [error, exitCode, line] of cases) {
    const { parts, context, surroundings, failed } = stage();
    failed.resolve(error);
    assertEquals(await runNode(context, parts), exitCode);
    assertStringIncludes(surroundings.errors(), line);
  }
});

Deno.test("a start that fails says nothing of its own", async () => {
  for (
    const error of [
      new DirectoryLockedError("d"),
      new AccessError("d", { operation: "create", cause: "no" }),
      new CorruptionError("f", { offset: 0, what: "x" }),
    ]
  ) {
    const { parts, context, surroundings } = stage([], { startError: error });
    const thrown = await assertRejects(() => runNode(context, parts));
    assertEquals(thrown, error);
    assertEquals([surroundings.output(), surroundings.errors()], ["", ""]);
  }
});

Deno.test("a taken port is found before anything is started, and again when it was taken meanwhile", async () => {
  const taken = new Deno.errors.AddrInUse("in use");
  const before = stage();
  const system = { ...before.parts.system, tryListen: (_: string, port: number) => refuse(port === 15_000, taken) };
  await assertRejects(
    () => runNode(before.context, { ...before.parts, system }),
    Failure,
    "Port 15000 on 127.0.0.1 is already in use; --peer-port changes it",
  );
  assertEquals(before.started, []);

  let calls = 0;
  const late = stage([], { startError: taken });
  const lateSystem = { ...late.parts.system, tryListen: () => refuse(++calls > 3, taken) };
  await assertRejects(() => runNode(late.context, { ...late.parts, system: lateSystem }), Failure, "Port 5000 on");
});

function refuse(refused: boolean, error: Error): void {
  if (refused) throw error;
}

/** A file with a secret; the caller removes it. */
function secretFile(secret: string): string {
  const file = Deno.makeTempFileSync({ prefix: "kvstore-secret-" });
  Deno.writeTextFileSync(file, secret);
  return file;
}

/** How the directory is used, and what is remembered. */
const DISK_ARGUMENTS = [
  "--compression=deflate",
  "--scrub-bytes-per-second=2MiB",
  "--history-entries=5000",
  "--history-bytes=2MiB",
];

Deno.test("the settings become the options of the server", () => {
  const file = secretFile("what all nodes share\n");
  const settings = settingsOf(
    ...[
      "node",
      "--node-id=1",
      "--port=5001",
      "--peers=0=5000,2=5002",
      "--data-dir=/d",
      "--user-requests-per-second=7",
      "--max-connections-before-login=9",
      "--max-connections-before-login-of-address=3",
      "--login-timeout-ms=7000",
      "--new-identity",
    ],
    ...[
      "--cluster-id=c",
      `--cluster-secret-file=${file}`,
      "--snapshot-bytes=1MiB",
      ...DISK_ARGUMENTS,
      "--memory-limit=2MiB",
      "--peer-bind-port=9001",
    ],
  );
  const { members, log: _, ...options } = serverOptions(settings, NOTHING);
  Deno.removeSync(file);
  assertEquals(options, {
    nodeId: 1,
    host: "127.0.0.1",
    clientPort: 5001,
    peerPort: 15001,
    peerBindPort: 9001,
    httpPort: 8001,
    seeds: ["127.0.0.1:15000", "127.0.0.1:15002"],
    clusterId: "c",
    dataDirectory: "/d",
    newIdentity: true,
    clusterSecret: "what all nodes share",
    snapshotEntries: 200_000,
    snapshotBytes: 1_048_576,
    compression: "deflate",
    scrubBytesPerSecond: 2_097_152,
    historyEntries: 5_000,
    historyBytes: 2_097_152,
    memoryLimitBytes: 2_097_152,
    electionTimeoutMs: 1_000,
    heartbeatMs: 100,
    requestTimeoutMs: 5_000,
    clientConnectionsMax: 4_096,
    beforeLogin: { connectionsMax: 9, addressConnectionsMax: 3, loginTimeoutMs: 7_000 },
    receiveTimeoutMs: 30_000,
    userRequestsPerSecond: 7,
    connectionRequestsPerSecond: undefined,
    clusterMode: false,
    keyBytesMax: KEY_BYTES_MAX,
    valueBytesMax: VALUE_BYTES_MAX,
    slowCommandMs: 100,
    unsafeNoFsync: false,
    withoutUsers: "ServeEverybody",
  });
  assertEquals(members.map(({ id, address, identity }) => [id, address, identity]), [
    [0, "127.0.0.1:15000", ""],
    [1, "127.0.0.1:15001", ""],
    [2, "127.0.0.1:15002", ""],
  ]);
  assertEquals(serverOptions(settingsOf("--node-id", "3"), NOTHING).dataDirectory, "./kvstore-data/node-3");
  assertEquals(serverOptions(settingsOf(), NOTHING).clusterId, undefined);
});

Deno.test("settings that do not fit together are refused", () => {
  const cases: [args: string[], message: string][] = [
    [
      ["--host", "0.0.0.0"],
      "--host 0.0.0.0 is reachable from other machines, and the nodes have no secret of their own",
    ],
    [
      ["--host", "10.0.0.1", "--insecure"],
      "give --peer-tls-cert, --peer-tls-key and --peer-tls-ca (kvstore tls init makes them), or " +
      "--insecure-peers and --cluster-secret-file (openssl rand -hex 32)",
    ],
    [["--peer-tls", "allow"], "TLS between nodes needs --peer-tls-cert, --peer-tls-key and --peer-tls-ca"],
    [
      ["--peer-tls-cert", "a.pem", "--peer-tls-ca", "ca.pem"],
      "TLS between nodes needs --peer-tls-cert, --peer-tls-key and",
    ],
    [["--cluster-secret", "a secret that all can read"], "--cluster-secret would show the secret to every user"],
    [["--cluster-secret-file", "/nowhere/x"], "Cannot read the cluster secret /nowhere/x"],
    [["--previous-cluster-secret-file", "/nowhere/x"], "Cannot read the cluster secret /nowhere/x"],
    [
      ["--heartbeat-ms", "501"],
      "--heartbeat-ms 501 is more than half of --election-timeout-ms 1000; the nearest valid one is 500",
    ],
    [["--port", "5000", "--peer-port", "5000"], "The port for clients and the one for nodes are both 5000"],
    [["--port", "5000", "--http-port", "5000"], "The port for clients and the one for HTTP are both 5000"],
    [["--http-port", "15000"], "The port for nodes and the one for HTTP are both 15000; change --peer-port or"],
    [["--port", "62536", "--peer-port", "1"], "Port 62536 leaves no room for its HTTP port"],
    [["--port", "60000"], "Port 60000 leaves no room for its peer port"],
    [["--host", "a;b"], '--host is "a;b"; a host is an IP address, or a name of letters, digits, dots, hyphens and'],
    [["--advertise-client", "db"], '--advertise-client is "db"; an address is host:port or [ipv6]:port'],
    [["--advertise-client", "$(x):1"], '--advertise-client is "$(x):1"; an address is host:port or [ipv6]:port'],
    [["--advertise-peer", "a b:1"], '--advertise-peer is "a b:1"; an address is host:port or [ipv6]:port'],
    [["--advertise-http", "`x`:1"], '--advertise-http is "`x`:1"; an address is host:port or [ipv6]:port'],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => serverOptions(settingsOf(...args), NOTHING), UsageError, message, args.join(" "));
  }
  const [long, short] = [secretFile("what all nodes share"), secretFile("too short")];
  try {
    const open = ["--host", "0.0.0.0", "--cluster-secret-file"];
    assertThrows(
      () => serverOptions(settingsOf(...open, long), NOTHING),
      UsageError,
      "--host 0.0.0.0 is reachable from other machines, and what nodes send each other is not encrypted; give --peer-tls-cert",
    );
    for (const flag of ["--insecure-peers", "--insecure"]) {
      assertEquals(serverOptions(settingsOf(...open, long, flag), NOTHING).host, "0.0.0.0");
    }
    const tls = ["--peer-tls-cert", "a.pem", "--peer-tls-key", "a.key", "--peer-tls-ca", "ca.pem"];
    for (const more of [[], ["--cluster-secret-file", long]]) {
      const options = serverOptions(settingsOf("--host", "0.0.0.0", ...tls, ...more), NOTHING);
      assertEquals(options.peerTls, { certificate: "a.pem", key: "a.key", authorities: "ca.pem" });
      assertEquals(options.clusterSecret, more.length === 0 ? undefined : "what all nodes share");
    }
    const allow = [...tls, "--peer-tls", "allow"];
    assertEquals(serverOptions(settingsOf(...allow), NOTHING).peerTls?.alsoPlain, true);
    const refused = () => serverOptions(settingsOf(...open, long, ...allow), NOTHING);
    assertThrows(refused, UsageError, "what nodes send each other is not encrypted");
    assertEquals(serverOptions(settingsOf(...open, long, ...allow, "--insecure-peers"), NOTHING).host, "0.0.0.0");
    assertThrows(() => serverOptions(settingsOf(...open, short), NOTHING), UsageError, "has 9 characters: it needs 16");
  } finally {
    for (const file of [long, short]) Deno.removeSync(file);
  }
  for (const host of ["localhost", "127.0.0.2", "::1"]) {
    assertEquals(serverOptions(settingsOf("--host", host), NOTHING).host, host);
  }
});

Deno.test("a secret that counts beside that of now is in a file, or that of nodes which were given none", () => {
  const file = secretFile("what all nodes shared");
  const previously = (...args: readonly string[]) => serverOptions(settingsOf(...args), NOTHING).previously;
  try {
    assertEquals(previously(), undefined);
    assertEquals(previously("--previous-cluster-secret-file", "none"), { clusterSecret: undefined });
    assertEquals(previously("--previous-cluster-secret-file", file), { clusterSecret: "what all nodes shared" });
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("a node's directory below a parent", () => {
  assertEquals(["d", "d/", "/"].map((parent) => nodeDirectory(parent, 2)), ["d/node-2", "d/node-2", "/node-2"]);
});

Deno.test("SIGHUP looks for another certificate where there is one, and nowhere else", async () => {
  const tls = ["--tls-cert", "a.pem", "--tls-key", "a.key", "--tls-port", "6380"];
  const peers = ["--peer-tls-cert", "a.pem", "--peer-tls-key", "a.key", "--peer-tls-ca", "ca.pem"];
  for (const args of [[], tls, peers]) {
    const { parts, context, surroundings, events, hangups, stop, stopped } = stage(args);
    stop.resolve();
    stopped.resolve();
    assertEquals(await runNode(context, parts), 0);
    for (const hangup of hangups) hangup();
    assertEquals(events, args.length === 0 ? ["stop"] : ["stop", "reload"]);
    // Nodes with certificates believe their own CAs alone.
    assertEquals(surroundings.roots(), args === peers ? "None" : args === tls ? "System" : undefined);
  }
});
