/** The text that says a local cluster is ready: a table of its nodes and three lines to try, with TLS where they speak nothing else. */

import type { NodePlan } from "./launcher.ts";
import { quoteForShell } from "./own_program.ts";
import type { NodeView } from "./probe.ts";

/** A node and what it said about itself, unless it has been given up. */
export interface ReadyNode {
  readonly node: NodePlan;
  readonly running: boolean;
  readonly view: NodeView | undefined;
}

const HEADER = ["Node", "Role", "Clients", "HTTP", "Peers", "Data directory"];

/** Several lines, the last one ended. */
export function showReady({ nodes, clientCommand }: { nodes: readonly ReadyNode[]; clientCommand: string }): string {
  const leaderId = nodes.find(({ view }) => view !== undefined)?.view?.leaderId;
  const rows = nodes.map(({ node, view }) => [
    String(node.id),
    view?.role ?? "not running",
    node.clientAddress,
    node.httpAddress,
    node.peerAddress,
    node.dataDirectory,
  ]);
  const leader = nodes.find(({ node }) => node.id === leaderId) ?? nodes[0];
  const other = nodes.find(({ node, running }) => running && node !== leader?.node) ?? leader;
  const caPath = leader?.node.caPath;
  const ca = caPath === undefined ? undefined : quoteForShell(caPath, { onWindows: Deno.build.os === "windows" });
  const lines = [
    "",
    `KVStore is ready: ${nodes.length} ${nodes.length === 1 ? "node" : "nodes"}, node ${leaderId} is the leader.`,
    "",
    ...alignColumns([HEADER, ...rows]),
    "",
    "Try:",
    ...triesOf({ leader, other, ca }),
    "",
    `Dashboard: ${urlOf(leader)}`,
    ...ca === undefined ? [] : [`           once the browser trusts ${ca}`],
    `Shell:     ${clientCommand}`,
    "",
    "Ctrl-C stops all nodes.",
    "",
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function triesOf({ leader, other, ca }: {
  readonly leader: ReadyNode | undefined;
  readonly other: ReadyNode | undefined;
  readonly ca: string | undefined;
}): readonly string[] {
  const words = "printf 'PUT hello world\\nGET hello\\nEXIT\\n'";
  const [port, otherPort] = [leader?.node.port, other?.node.port];
  const put = "-X PUT --data-binary world";
  if (ca === undefined) {
    return [
      `  ${words} | nc ${hostOf(leader)} ${port}`,
      `  redis-cli -h ${hostOf(other)} -p ${otherPort} GET hello`,
      `  curl ${put} ${urlOf(leader)}v1/kv/hello`,
    ];
  }
  return [
    `  ${words} | openssl s_client -quiet -verify_return_error -CAfile ${ca} -connect ${hostOf(leader)}:${port}`,
    `  redis-cli --tls --cacert ${ca} -h ${hostOf(other)} -p ${otherPort} GET hello`,
    `  curl --cacert ${ca} ${put} ${urlOf(leader)}v1/kv/hello`,
  ];
}

/** Pads every column but the last to its longest cell. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, cell.length));
  return rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd());
}

/** Where HTTP is, for a program on this machine. */
function urlOf(ready: ReadyNode | undefined): string {
  const address = ready?.node.httpAddress ?? "";
  const scheme = ready?.node.caPath === undefined ? "http" : "https";
  return `${scheme}://${address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]/, "[::1]")}/`;
}

function hostOf(ready: ReadyNode | undefined): string {
  const host = ready?.node.host ?? "localhost";
  return host === "127.0.0.1" || host === "0.0.0.0" ? "localhost" : host;
}
