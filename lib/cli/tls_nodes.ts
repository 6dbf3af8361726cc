/** Reads for which nodes certificates are to be made, and by which names those are reached. */

import { quoteForPeople, UsageError } from "./usage_error.ts";

/** A node that gets a certificate. */
export interface NamedNode {
  readonly id: number;
  /** Names and addresses, those of its own machine first. */
  readonly names: readonly string[];
}

/** Nodes of one `kvstore tls init`: more than any cluster has voters. */
export const CERTIFIED_NODES_MAX = 32;
/** Whoever asks on the machine itself reaches the node too. */
const OWN_MACHINE: readonly string[] = ["localhost", "127.0.0.1", "::1"];
const ID_MAX = 2_147_483_647;

/** Reads `--nodes`: how many on this machine, or ID=NAME[+NAME...] for each. Throws `UsageError`. */
export function nodesToCertify(list: string): readonly NamedNode[] {
  if (/^[0-9]+$/.test(list)) return Array.from({ length: Number(list) }, (_, id) => ({ id, names: OWN_MACHINE }));
  const nodes = list.split(",").map((item) => readNode(item.trim()));
  const twice = nodes.find(({ id }, at) => nodes.findIndex((other) => other.id === id) !== at);
  if (twice !== undefined) throw new UsageError(`--nodes names the id ${twice.id} twice`);
  if (nodes.length <= CERTIFIED_NODES_MAX) return nodes;
  throw new UsageError(`--nodes takes up to ${CERTIFIED_NODES_MAX} nodes, not ${nodes.length}`);
}

/** Reads one node: ID=NAME[+NAME...]. Throws `UsageError`. */
export function readNode(text: string): NamedNode {
  const [, id = "", names = ""] = /^([0-9]{1,10})=([^=]+)$/.exec(text) ?? [];
  if (id === "" || Number(id) > ID_MAX) {
    throw new UsageError(
      `${
        quoteForPeople(text)
      } does not say which node, and how it is reached; write 0=10.0.0.1 or 0=10.0.0.1+db-0.example.com`,
    );
  }
  return { id: Number(id), names: [...names.split("+"), ...OWN_MACHINE] };
}
