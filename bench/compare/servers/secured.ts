/** Three nodes of KVStore with users, and with TLS for clients on a port of its own. */

import { Authority, makeAuthority } from "../../../lib/tls/authority.ts";
import { findFreePorts } from "../../../tests/support/ports.ts";
import { runProgram } from "../../../tests/support/program.ts";
import { fill } from "../loads/kvstore_bench.ts";
import type { BenchmarkAccess } from "../loads/redis_benchmark.ts";
import type { CompareOptions } from "../options.ts";
import { type KVStoreServer, startKVStore } from "./kvstore.ts";

const NODES = 3;
const CERTIFICATE_DAYS = 2;
const ROOT = { user: "root", password: "correct-horse" };
const USER = { user: "app", password: "battery-staple" };
/** What a user of a service has: the keys of that service, which are those of the load. */
const GRANT = "read,write:key:";

/** What a load needs to know. */
export interface Secured extends AsyncDisposable {
  readonly server: KVStoreServer;
  /** Of the leader: plain, and with TLS. */
  readonly address: string;
  readonly tlsAddress: string;
  readonly user: BenchmarkAccess;
  readonly caFile: string;
}

/** Starts them, fills them, and makes a user who may read and write the keys of the load, and nothing else. */
export async function startSecured({ binary, keys }: Pick<CompareOptions, "binary" | "keys">): Promise<Secured> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-compare-tls-" });
  const tlsPorts = findFreePorts(NODES);
  const caFile = `${directory}/ca.pem`;
  const files = certify(directory, caFile);
  const flagsOf = (id: number) => [...files, "--tls-port", String(tlsPorts[id])];
  const server = await startKVStore({ binary, flagsOf }).catch(async (error) => {
    await Deno.remove(directory, { recursive: true });
    throw error;
  });
  const end = async () => {
    await server[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    // Whoever is not logged in is told nothing of the cluster afterwards.
    const leader = await server.leader();
    const address = server.address(leader);
    await fill(address, keys);
    await addUsers(address);
    const tlsAddress = `127.0.0.1:${tlsPorts[leader]}`;
    return { server, address, tlsAddress, user: USER, caFile, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

function certify(directory: string, caFile: string): readonly string[] {
  const validity = { days: CERTIFICATE_DAYS, now: Date.now() };
  const pair = makeAuthority("compare", validity);
  const { certificate, key } = new Authority(pair).issueNode(0, ["127.0.0.1"], validity);
  Deno.writeTextFileSync(caFile, pair.certificate);
  Deno.writeTextFileSync(`${directory}/node.pem`, certificate);
  Deno.writeTextFileSync(`${directory}/node.key`, key, { mode: 0o600 });
  return ["--tls-cert", `${directory}/node.pem`, "--tls-key", `${directory}/node.key`];
}

async function addUsers(address: string): Promise<void> {
  const as = { KVSTORE_USER: ROOT.user, KVSTORE_PASSWORD: ROOT.password };
  const add = async (words: readonly string[], environment: Readonly<Record<string, string>>) => {
    const { code, stderr } = await runProgram(["user", "--connect", address, "add", ...words], { environment });
    if (code !== 0) throw new Error(`Could not make a user: ${stderr}`);
  };
  await add([ROOT.user], { KVSTORE_NEW_PASSWORD: ROOT.password });
  await add([USER.user, GRANT], { ...as, KVSTORE_NEW_PASSWORD: USER.password });
}
