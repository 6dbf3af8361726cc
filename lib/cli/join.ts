/** What `--join` makes of a node's settings: seeds to ask, an id, and a directory that is found again at the next start. */

import { askToJoin, JoinError } from "../cluster/join.ts";
import { certifiedId } from "../cluster/peer_tls.ts";
import type { ServerOptions } from "../cluster/server_types.ts";
import { SystemClock } from "../node/clock/system_clock.ts";
import { nodeIdsOf } from "../storage/node_file.ts";
import { EXIT, Failure } from "./failures.ts";
import { seedAddresses } from "./peers.ts";
import { DATA_DIRECTORY, nodeDirectory } from "./server_settings.ts";
import type { Settings } from "./settings.ts";

/** The options of a node that joins, or joined before; others are left as they are. Rejects with `Failure`. */
export async function resolveJoin(
  options: ServerOptions,
  { settings, stop }: { readonly settings: Settings; readonly stop: Promise<unknown> },
): Promise<ServerOptions> {
  const list = settings.optionalText("join");
  if (list === undefined) return options;
  const seeds = seedAddresses(list, options.host);
  const staysLearner = settings.enabled("learner");
  const given = settings.optionalInteger("node-id") ?? certified(options);
  const directory = settings.optionalText("data-dir") ?? (given === undefined
    // The id is not known before the directory has it, and the next start must find it.
    ? `${DATA_DIRECTORY}/node-at-port-${options.clientPort}`
    : nodeDirectory(DATA_DIRECTORY, given));
  const [existing] = nodeIdsOf(namesIn(directory));
  if (existing !== undefined) {
    return withId(options, { nodeId: given ?? existing, directory, seeds, join: { staysLearner } });
  }
  const abort = new AbortController();
  stop.then(() => abort.abort());
  try {
    const asker = { ...options, nodeId: given ?? options.nodeId };
    const asked = { options: asker, seeds, wantsId: given === undefined, clock: new SystemClock(), log: options.log };
    const { nodeId, identity } = await askToJoin({ ...asked, signal: abort.signal });
    return withId(options, { nodeId, directory, seeds, join: { identity, staysLearner } });
  } catch (error) {
    if (error instanceof JoinError) throw new Failure(error.message, error.isRefusal ? EXIT.failure : EXIT.noLeader);
    throw error;
  }
}

function withId(
  options: ServerOptions,
  { nodeId, directory, ...more }: Required<Pick<ServerOptions, "nodeId" | "seeds" | "join">> & {
    readonly directory: string;
  },
): ServerOptions {
  const members = options.members.map((own) => ({ ...own, id: nodeId }));
  return { ...options, ...more, nodeId, members, dataDirectory: directory };
}

/** Who has a certificate has an id. */
function certified({ peerTls }: ServerOptions): number | undefined {
  return peerTls === undefined ? undefined : certifiedId(peerTls);
}

function namesIn(directory: string): readonly string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
