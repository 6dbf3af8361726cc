/** How long a client of TLS waits for its first reply, once the handshake is done. */

import { dial, type Trust } from "../../../lib/base/dial.ts";
import { Authority, makeAuthority } from "../../../lib/tls/authority.ts";
import { whyNoTls } from "../../../lib/tls/terminator.ts";
import { findFreePorts } from "../../../tests/support/ports.ts";
import { programLine } from "../../../tests/support/program.ts";
import { ServerProcess } from "../../../tests/support/server_process.ts";
import { median } from "../../support/table.ts";
import { type Cost, Meter } from "../meter.ts";
import { judge, type RowGroup, type RowHead, skipRow } from "../row.ts";
import { unwatch, watch } from "../servers/server.ts";

const HEAD: RowHead = { id: "tls-first-reply", title: "TLS: first reply on a new connection, after its handshake" };
const CONNECTIONS = 500;
const WARM_UP = 50;
const REQUEST = new TextEncoder().encode("*1\r\n$4\r\nPING\r\n");
const CERTIFICATE_DAYS = 2;

/** One node, one connection at a time: what is looked for are delays, and not load. */
export const tlsFirstReply: RowGroup = {
  rows: [HEAD],
  minutesMax: 2,
  async run({ subject, binary }) {
    if (subject === "redis") return [skipRow(HEAD, "It is about the nodes of KVStore")];
    const why = binary === undefined ? whyNoTls(Deno.version.deno) : undefined;
    if (why !== undefined) return [skipRow(HEAD, why)];
    const directory = await Deno.makeTempDir({ prefix: "kvstore-compare-tls-" });
    try {
      return [await measureIn(directory, (args) => binary === undefined ? programLine(args) : [binary, ...args])];
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
};

async function measureIn(directory: string, line: (args: readonly string[]) => readonly string[]) {
  const { trust, flags } = certify(directory);
  const [port = 0, tlsPort = 0, peerPort = 0, httpPort = 0] = findFreePorts(4);
  const ports = ["--port", port, "--tls-port", tlsPort, "--peer-port", peerPort, "--http-port", httpPort].map(String);
  const server = new ServerProcess(line(["node", "--node-id=0", ...ports, ...flags, `--data-dir=${directory}/data`]));
  const node = { name: "the node", ids: [0], pid: () => server.alive ? server.pid : 0, pids: () => [server.pid] };
  watch(node);
  try {
    await server.line("is ready");
    const costs: Cost[] = [];
    const meter = new Meter(node);
    const secure = await firstReplies(tlsPort, trust);
    costs.push(meter.read(WARM_UP + CONNECTIONS));
    const plain = await firstReplies(port, undefined);
    const show = (samples: readonly number[]) => `${median(samples).toFixed(2)} ms in the median`;
    return judge(HEAD, {
      bar: { kind: "atMost", value: 5, of: "median", unit: " ms", digits: 2 },
      samples: secure.replies,
      costs,
      notes: [
        `${CONNECTIONS} connections, one after the other. Connecting and the handshake took ${show(secure.connects)}.`,
        `Without TLS the first reply took ${show(plain.replies)}, connecting ${show(plain.connects)}.`,
      ],
    });
  } finally {
    unwatch(node);
    await server.end("SIGKILL");
  }
}

function certify(directory: string): { readonly trust: Trust; readonly flags: readonly string[] } {
  const validity = { days: CERTIFICATE_DAYS, now: Date.now() };
  const pair = makeAuthority("compare", validity);
  const { certificate, key } = new Authority(pair).issueNode(0, ["127.0.0.1"], validity);
  Deno.writeTextFileSync(`${directory}/node.pem`, certificate);
  Deno.writeTextFileSync(`${directory}/node.key`, key, { mode: 0o600 });
  return {
    trust: { caCerts: [pair.certificate], serverName: undefined },
    flags: ["--tls-cert", `${directory}/node.pem`, "--tls-key", `${directory}/node.key`],
  };
}

/** Times in ms of each connection: until it is made, and from then until its first reply. */
async function firstReplies(
  port: number,
  trust: Trust | undefined,
): Promise<{ readonly connects: readonly number[]; readonly replies: readonly number[] }> {
  const connects: number[] = [];
  const replies: number[] = [];
  const buffer = new Uint8Array(64);
  for (let each = 0; each < WARM_UP + CONNECTIONS; each++) {
    const begun = performance.now();
    using connection = await dial({ hostname: "127.0.0.1", port }, { trust });
    const connected = performance.now();
    await connection.write(REQUEST);
    if (await connection.read(buffer) === null) throw new Error("The node closed the connection without a reply");
    if (each < WARM_UP) continue;
    connects.push(connected - begun);
    replies.push(performance.now() - connected);
  }
  return { connects, replies };
}
