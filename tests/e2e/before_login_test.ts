/** Strangers take every place that they may on every port of a node: who has logged in goes on, and others log in. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createConnection, type Socket } from "node:net";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { encodeRequest } from "../support/resp/encode.ts";
import { waitFor } from "../support/wait.ts";
import { newAuthority, validity, whyNotHere, writePair } from "./support/tls_node.ts";

const PASSWORD = "battery-staple";
const AUTHORIZATION = `Authorization: Basic ${btoa(`root:${PASSWORD}`)}\r\n`;
const HERE = "127.0.0.1";
const STRANGE_ADDRESSES: readonly string[] = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
/** From each of those at each port: more than an address may have, and together more than there may be. */
const STRANGERS = 12;
const FLAGS = ["--max-connections", "16", "--max-connections-before-login", "10"]
  .concat("--max-connections-before-login-of-address", "4", "--login-timeout-ms", "5000");

/** A connection to a node, from some address. */
class Peer implements Disposable {
  readonly #socket: Socket;
  #received = "";
  isClosed = false;

  constructor(port: number, address = HERE) {
    this.#socket = createConnection({ host: HERE, port, localAddress: address });
    this.#socket.on("data", (bytes) => this.#received += bytes.toString("latin1"));
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("close", () => this.isClosed = true);
  }

  /** What comes for `text` up to `end`. */
  async ask(text: string, end: string): Promise<string> {
    this.#received = "";
    this.#socket.write(text);
    return await waitFor(() => {
      if (this.isClosed && !this.#received.endsWith(end)) throw new Error(`closed behind ${this.#received}`);
      return this.#received.endsWith(end) ? this.#received : undefined;
    }, { what: `an answer to ${text}` });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

const HTTP_GET = `GET /v1/login HTTP/1.1\r\nHost: localhost\r\n${AUTHORIZATION}\r\n`;

/** A connection on which root logs in, and what goes on there. */
const LOGINS:
  readonly (readonly [port: "clientPort" | "httpPort", text: string, end: string, goesOn: string, then: string])[] = [
    ["clientPort", `AUTH root ${PASSWORD}\n`, "Logged in.\n", "PUT k v\n", "successfully.\n"],
    ["clientPort", encodeRequest("AUTH", "root", PASSWORD), "+OK\r\n", encodeRequest("GET", "k"), "\r\nv\r\n"],
    ["httpPort", HTTP_GET, '"by_cookie":false}\n', HTTP_GET, '"by_cookie":false}\n'],
  ];

async function closedCounts(cluster: ProcessCluster): Promise<Readonly<Record<string, number>>> {
  const { httpPort } = cluster.node(0);
  const headers = { authorization: `Basic ${btoa(`root:${PASSWORD}`)}` };
  const text = await (await fetch(`http://${HERE}:${httpPort}/metrics`, { headers })).text();
  const lines = text.matchAll(
    /^kvstore_server_connections_closed_before_login_total\{port="(\w+)",reason="(\w+)"\} (\d+)$/gm,
  );
  return Object.fromEntries(Array.from(lines, ([, port, reason, count]) => [`${port} ${reason}`, Number(count)]));
}

async function addRoot(cluster: ProcessCluster): Promise<void> {
  await waitFor(async () => {
    const { status } = await fetch(`http://${HERE}:${cluster.node(0).httpPort}/v1/users/root`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: PASSWORD }),
    });
    return status < 300 ? true : undefined;
  }, { what: "the first user is made" });
}

Deno.test("strangers fill their share of every port, those who have logged in go on, new logins come in, and time ends strangers", async () => {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const tlsPorts = await whyNotHere() === undefined ? findFreePorts(2) : [];
  const [tlsPort, httpTlsPort] = tlsPorts;
  const tls = tlsPort === undefined ? [] : [
    ...writePair(root, newAuthority().authority.issueNode(0, ["localhost"], validity())),
    ...["--tls-port", String(tlsPort), "--http-tls-port", String(httpTlsPort)],
  ];
  const peers: Peer[] = [];
  const open = (port: number, address?: string) => {
    const peer = new Peer(port, address);
    peers.push(peer);
    return peer;
  };
  try {
    await withCluster({ nodes: 1, flags: [...FLAGS, ...tls], root }, async (cluster) => {
      const node = cluster.node(0);
      await addRoot(cluster);
      const logIn = async ([port, text, end]: typeof LOGINS[number]) => {
        const peer = open(node[port]);
        assertStringIncludes(await peer.ask(text, end), end);
        return peer;
      };
      const users = await Promise.all(LOGINS.map(logIn));
      const strangers: Peer[] = [];
      for (const port of [node.clientPort, node.httpPort, ...tlsPorts]) {
        for (const address of STRANGE_ADDRESSES) {
          for (let count = 0; count < STRANGERS; count++) strangers.push(open(port, address));
        }
      }
      await waitFor(async () => {
        const counts = await closedCounts(cluster);
        const kinds = ["client address", "client total", "http address", "http total"];
        return kinds.every((kind) => (counts[kind] ?? 0) > 0) || undefined;
      }, { what: "strangers have taken the places of each other" });
      for (const login of LOGINS) {
        const [, , , goesOn, then] = login;
        await (await logIn(login)).ask(goesOn, then);
      }
      for (const [at, [, , , goesOn, then]] of LOGINS.entries()) await users[at]?.ask(goesOn, then);
      await waitFor(() => strangers.every(({ isClosed }) => isClosed) || undefined, { what: "no stranger is left" });
      for (const [at, [, , , goesOn, then]] of LOGINS.entries()) await users[at]?.ask(goesOn, then);
      assertEquals(users.map(({ isClosed }) => isClosed), [false, false, false]);
    });
  } finally {
    for (const peer of peers) peer[Symbol.dispose]();
    await Deno.remove(root, { recursive: true });
  }
});
