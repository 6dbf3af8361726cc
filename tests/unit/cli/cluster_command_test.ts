import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { UsersRequiredError } from "../../../lib/base/errors.ts";
import { splitArguments } from "../../../lib/cli/arguments.ts";
import { planNodes, planOneMore, runClusterCommand } from "../../../lib/cli/cluster_command.ts";
import { findFreeRun } from "../../support/ports.ts";
import type { ClusterNodes } from "../../../lib/cluster/cluster_directory.ts";
import { defaultMemoryLimit, THIS_MACHINE } from "../../../lib/cluster/machine_memory.ts";
import { settle } from "../../../lib/cli/settings.ts";
import { ownPeers } from "../../../lib/cli/server_settings.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { prepareTls } from "../../../lib/cli/cluster_tls.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { only, withDirectory } from "../tls/support.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

const PROGRAM = { executable: "/bin/kvstore", prefix: ["run", "main.ts"], shown: "kvstore" };

function planOn(found: Partial<ClusterNodes>, ...args: string[]) {
  const settings = settingsOf("cluster", ...args);
  const founders = Array.from({ length: Number(settings.text("nodes")) }, (_, id) => id);
  return planNodes(settings, {
    program: PROGRAM,
    found: { founders, joined: [], added: [], isNew: true, nextId: 0, ...found },
  });
}

function plan(...args: string[]) {
  return planOn({}, ...args);
}

const THREE: ClusterNodes = { founders: [0, 1, 2], joined: [], added: [], isNew: true, nextId: 3 };

Deno.test("nodes that joined are started to join, on the ports of their ids, and removed ones are left out", () => {
  const toldOn = (found: Partial<ClusterNodes>) =>
    planOn(found, "--nodes=5").map((
      { id, port, args },
    ) => [id, port, args.find((arg) => /^--(peers|join)=/.test(arg))]);
  const peers = "--peers=0=127.0.0.1:5000@15000,2=127.0.0.1:5002@15002";
  const [zero, two, four] = [0, 2, 4].map((id) => `127.0.0.1:${5_000 + id}@${15_000 + id}`);
  assertEquals(toldOn({ founders: [0, 2], joined: [4, 5], added: [5] }), [
    [0, 5000, peers],
    [2, 5002, peers],
    [4, 5004, `--join=${zero},${two}`],
    [5, 5005, `--join=${zero},${two},${four}`],
  ]);
  // Those that founded it may be gone.
  assertEquals(toldOn({ founders: [], joined: [4, 5], added: [5] }), [
    [4, 5004, `--join=${four}`],
    [5, 5005, `--join=${four}`],
  ]);
});

Deno.test("with --tls each node speaks TLS alone, with its own certificate and the cluster's CA", () => {
  const [, node] = plan("--tls", "--data-dir", "/d");
  const given = (flag: string) => node?.args[node.args.indexOf(flag) + 1];
  assertEquals(["--tls-port", "--port", "--http-tls-port", "--http-port"].map(given), ["5001", "5001", "8001", "8001"]);
  assertEquals(["--tls-cert", "--tls-key", "--tls-ca"].map(given), [
    "/d/tls/node-1.pem",
    "/d/tls/node-1.key",
    "/d/tls/ca.pem",
  ]);
  assertEquals(["--peer-tls-cert", "--peer-tls-key", "--peer-tls-ca"].map(given), [
    "/d/tls/node-1.pem",
    "/d/tls/node-1.key",
    "/d/tls/ca.pem",
  ]);
  assertEquals(plan("--tls", "--host", "10.0.0.1", "--data-dir", "/d", "--insecure-clients").length, 3);
  assertEquals(node?.caPath, "/d/tls/ca.pem");
  assertEquals(plan("--data-dir", "/d")[1]?.args.some((arg) => arg.startsWith("--tls")), false);
});

Deno.test("with --tls the launcher makes certificates and believes them alone; a runtime that cannot be such a server says so", () =>
  withDirectory(async (directory) => {
    const surroundings = fakeSurroundings();
    const context = { settings: settingsOf("cluster", "--tls", "--host=db-0", "--data-dir", directory), surroundings };
    assertThrows(
      () => prepareTls(context, directory, { ids: [0], denoVersion: "2.7.14" }),
      Failure,
      "TLS for clients needs a runtime of Deno 2.8 or later, and this is 2.7.14",
    );
    assertEquals([...Deno.readDirSync(directory)], []);
    const trust = prepareTls(context, directory, { ids: [0, 1], denoVersion: "2.8.0" });
    assertEquals(trust?.caCerts, [await Deno.readTextFile(`${directory}/tls/ca.pem`)]);
    assertEquals(only(await Deno.readTextFile(`${directory}/tls/node-1.pem`)).names.dns.slice(0, 2), [
      "db-0",
      "localhost",
    ]);
    assertEquals(surroundings.roots(), "None");
    assertEquals(prepareTls({ ...context, settings: settingsOf("cluster") }, directory, { ids: [0] }), undefined);
  }));

Deno.test("each node is started with its own ports and directory and with what was given", () => {
  const nodes = plan(
    "--port",
    "6000",
    "--data-dir",
    "/d",
    "--unsafe-no-fsync",
    "--snapshot-bytes",
    "1MiB",
    "--memory-limit=9MiB",
  );
  assertEquals(nodes.length, 3);
  assertEquals(nodes[1], {
    id: 1,
    host: "127.0.0.1",
    port: 6001,
    clientAddress: "127.0.0.1:6001",
    peerAddress: "127.0.0.1:16001",
    httpAddress: "127.0.0.1:9001",
    dataDirectory: "/d/node-1",
    executable: "/bin/kvstore",
    args: [
      ...["run", "main.ts", "node", "--node-id", "1", "--host", "127.0.0.1", "--port", "6001", "--peer-port", "16001"],
      ...[
        "--http-port",
        "9001",
        "--data-dir",
        "/d/node-1",
        "--memory-limit",
        "3145728",
        "--peers=0=127.0.0.1:6000@16000,1=127.0.0.1:6001@16001,2=127.0.0.1:6002@16002",
      ],
      ...["--snapshot-bytes=1048576", "--unsafe-no-fsync=true"],
    ],
    environment: {},
  });
});

Deno.test("the nodes share one memory limit, given or not, and one that leaves them too little is refused", () => {
  const shareOf = (...args: string[]) => {
    const [node] = plan(...args);
    return Number(node?.args[node.args.indexOf("--memory-limit") + 1]);
  };
  assertEquals(shareOf("--memory-limit=1GiB", "--nodes=5"), Math.floor(2 ** 30 / 5));
  assertEquals(shareOf("--nodes=5"), defaultMemoryLimit(THIS_MACHINE, 5));
  assertThrows(
    () => plan("--memory-limit=2MiB"),
    UsageError,
    "--memory-limit 2097152 is too little for 3 nodes; the nearest valid one is 3145728",
  );
});

Deno.test("a secret from the environment goes to the nodes by their environment, and one in a file by its path", () => {
  const surroundings = fakeSurroundings({ KVSTORE_CLUSTER_SECRET: "what all nodes share" });
  const [node] = planNodes(settle(splitArguments(["cluster"]).flags, surroundings), { program: PROGRAM, found: THREE });
  // Other users of the machine see command lines, not environments.
  assertEquals(node?.environment, { KVSTORE_CLUSTER_SECRET: "what all nodes share" });
  assertEquals(node?.args.some((arg) => arg.includes("share")), false);
  const file = Deno.makeTempFileSync({ prefix: "kvstore-secret-" });
  try {
    Deno.writeTextFileSync(file, "what all nodes share\n");
    const [other] = plan("--cluster-secret-file", file);
    assertEquals([other?.environment, other?.args.includes(`--cluster-secret-file=${file}`)], [{}, true]);
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("the nodes understand what they are started with, and agree", () => {
  for (
    const args of [[], ["--nodes", "5"], ["--nodes", "1"], [
      "--peer-port",
      "7000",
      "--http-port",
      "7003",
    ]]
  ) {
    const nodes = plan(...args);
    const seen = nodes.map((node) => ownPeers(settingsOf(...node.args.slice(2))));
    assertEquals(seen.map(({ nodeId }) => nodeId), nodes.map(({ id }) => id));
    assertEquals(new Set(seen.map(({ members }) => JSON.stringify(members))).size, 1);
    assertEquals(seen[0]?.members.length, nodes.length);
  }
});

Deno.test("ports that do not fit are refused before anything is started", () => {
  const cases: [args: string[], message: string][] = [
    [["--port", "65535"], "Port 65537 leaves no room for its peer port"],
    [["--port", "55534"], "Port 55536 leaves no room for its peer port"],
    [["--port", "65535", "--peer-port", "1000"], "3 nodes need ports up to 65537; the nearest valid --port is 65533"],
    [["--peer-port", "65535"], "3 nodes need ports up to 65537; the nearest valid --peer-port is 65533"],
    [["--peer-port", "5002"], "overlap; the nearest valid --peer-port is 5003"],
    [["--peer-port", "4998"], "overlap; the nearest valid --peer-port is 4997"],
    [["--http-port", "65534"], "3 nodes need ports up to 65536; the nearest valid --http-port is 65533"],
    [["--peer-port", "8001"], "those for HTTP from 8000 on overlap; the nearest valid --http-port is 7998"],
    [["--http-port", "5001", "--peer-port", "5003"], "overlap; the nearest valid --http-port is 4997"],
    [
      ["--host", "0.0.0.0"],
      "of their own; give --tls, or --insecure-peers and --cluster-secret-file (openssl rand -hex 32)",
    ],
  ];
  for (const [args, message] of cases) assertThrows(() => plan(...args), UsageError, message, args.join(" "));
});

Deno.test("a new cluster that others reach is refused without a first user, unless it is meant; one that is there judges itself", () => {
  const wide = ["--tls", "--host", "10.0.0.1", "--data-dir", "/d"];
  assertThrows(() => plan(...wide), UsersRequiredError, "--host 10.0.0.1 is reachable from other machines");
  assertEquals(planOn({ isNew: false }, ...wide).length, 3);
  const [node] = plan(...wide, "--insecure-clients");
  assert(node?.args.includes("--insecure-clients=true"));
  const file = Deno.makeTempFileSync();
  Deno.writeTextFileSync(file, "root:correct-horse");
  assert(plan(...wide, "--bootstrap-user-file", file)[0]?.args.includes(`--bootstrap-user-file=${file}`));
  Deno.removeSync(file);
});

Deno.test("names of nodes, which certificates are made for, are no number of nodes of a local cluster", async () => {
  const context = {
    settings: settingsOf("cluster", "--nodes", "0=10.0.0.1"),
    operands: [],
    surroundings: fakeSurroundings(),
  };
  await assertRejects(
    () => runClusterCommand(context),
    UsageError,
    "--nodes of kvstore cluster is a number: 1, 3, 5 or 7",
  );
});

Deno.test("one more node gets the next id, the ports of that id, the secret of the others, and all of them to join", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-unit-" });
  const port = findFreeRun([0, 1, 2, 3, 4, 5, 6].flatMap((id) => [id, 3_000 + id, 10_000 + id]));
  const more = async (usedId: number, ...args: string[]) => {
    const settings = settingsOf("cluster", "--data-dir", directory, "--port", `${port}`, ...args);
    const all = planNodes(settings, { program: PROGRAM, found: { ...THREE, founders: [0, 2] } });
    const others = all.map((node) => ({ ...node, environment: { KVSTORE_CLUSTER_SECRET: "what all nodes share" } }));
    return await planOneMore({ settings, surroundings: fakeSurroundings() }, { program: PROGRAM, others, usedId });
  };
  try {
    const plan = await more(2);
    assert(typeof plan !== "string", String(plan));
    assertEquals([plan.id, plan.port, plan.dataDirectory], [3, port + 3, `${directory}/node-3`]);
    assertEquals(plan.environment, { KVSTORE_CLUSTER_SECRET: "what all nodes share" });
    const [seed, other] = [port, port + 2].map((client) => `127.0.0.1:${client}@${client + 10_000}`);
    assertEquals(plan.args.find((arg) => arg.startsWith("--join")), `--join=${seed},${other}`);
    // Those that the launcher used count, also where the directory knows nothing of them.
    const later = await more(5, "--memory-limit=1GiB");
    assert(typeof later !== "string" && later.id === 6, String(later));
    assertEquals(
      await more(2, `--http-port=${port + 3}`),
      `The 4 ports for clients from ${port} on and those for HTTP from ${port + 3} on overlap; ` +
        `the nearest valid --http-port is ${port + 4}`,
    );
    assertMatch(String(await more(2, "--memory-limit=2MiB")), /^--memory-limit 2097152 is too little for 3 nodes/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
