/** Three nodes with TLS beside their plain ports, which the harness asks, and the CA of their certificates. */

import { Authority, makeAuthority } from "../../../lib/tls/authority.ts";
import { findFreePorts } from "../../support/ports.ts";
import { type ProcessCluster, withCluster } from "../../support/process_cluster.ts";
import type { CommandLine } from "../../support/program.ts";
import { assertRefused, whyNotHere } from "./tls_node.ts";

const DAYS = 5;
const NODES = 3;

/** What a test works with. */
export interface TlsStage {
  readonly cluster: ProcessCluster;
  /** Files of the CA of the nodes, and of another. */
  readonly ca: string;
  readonly otherCa: string;
  /** A certificate of a client, which the CA of the nodes has signed, and its key. */
  readonly client: { readonly cert: string; readonly key: string };
  /** By node. */
  readonly tlsPorts: readonly number[];
  readonly httpsPorts: readonly number[];
}

/** How the nodes are started. */
export interface TlsClusterOptions {
  /** Nodes tell each other of their ports for TLS, and trust this CA among themselves; left out, they tell of the plain ones. */
  readonly membersTrust?: "Own" | "Other";
  /** Whether clients have to show a certificate of the CA of the nodes. */
  readonly asksClients?: boolean;
}

/** Runs `body` on a fresh cluster; nodes of a runtime that cannot speak TLS are to say so instead. */
export async function withTlsCluster(
  { membersTrust, asksClients = false }: TlsClusterOptions,
  body: (stage: TlsStage) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const validity = { days: DAYS, now: Date.now() };
  const [pair, other] = [makeAuthority("test", validity), makeAuthority("test", validity)];
  const [ca, otherCa] = [`${root}/ca.pem`, `${root}/other.pem`];
  await Deno.writeTextFile(ca, pair.certificate);
  await Deno.writeTextFile(otherCa, other.certificate);
  const authority = new Authority(pair);
  const issued = {
    node: authority.issueNode(0, ["localhost", "127.0.0.1"], validity),
    client: authority.issueClient("alice", validity),
  };
  for (const [name, { certificate, key }] of Object.entries(issued)) {
    await Deno.writeTextFile(`${root}/${name}.pem`, certificate);
    await Deno.writeTextFile(`${root}/${name}.key`, key, { mode: 0o600 });
  }
  const client = { cert: `${root}/client.pem`, key: `${root}/client.key` };
  const ports = findFreePorts(2 * NODES);
  const [tlsPorts, httpsPorts] = [ports.slice(0, NODES), ports.slice(NODES)];
  const told = (id: number) => [
    ...["--advertise-client", `127.0.0.1:${tlsPorts[id]}`, "--advertise-http", `127.0.0.1:${httpsPorts[id]}`],
    ...["--tls-ca", membersTrust === "Own" ? ca : otherCa],
  ];
  const wrap = (line: CommandLine) => {
    const id = Number(line[line.indexOf("--node-id") + 1]);
    const own = ["--tls-port", String(tlsPorts[id]), "--http-tls-port", String(httpsPorts[id])];
    return [...line, ...own, ...membersTrust === undefined ? [] : told(id)];
  };
  const pairFlags = ["--tls-cert", `${root}/node.pem`, "--tls-key", `${root}/node.key`];
  const flags = [...pairFlags, ...asksClients ? ["--tls-client-ca", ca] : []];
  try {
    const why = await whyNotHere();
    if (why !== undefined) return await assertRefused([...flags, "--tls-port", String(tlsPorts[0])], why);
    await withCluster(
      { nodes: NODES, flags, wrap, root },
      (cluster) => body({ cluster, ca, otherCa, client, tlsPorts, httpsPorts }),
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
