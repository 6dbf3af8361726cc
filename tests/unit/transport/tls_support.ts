/** Nodes with certificates, for tests of TLS between them. */

import { PeerTls } from "../../../lib/cluster/peer_tls.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import type { PeerPaths } from "../../../lib/tls/peer_identity.ts";
import type { Connection } from "../../../lib/transport/connection.ts";
import {
  decodeChallenge,
  decodeRefused,
  encodeProof,
  type Introduction,
  sayIntroduction,
} from "../../../lib/transport/control.ts";
import { freshNonce, proveDialer } from "../../../lib/transport/credentials.ts";
import type { Evidence } from "../../../lib/transport/security.ts";
import { PeerFiles } from "../../support/peer_files.ts";
import { withDirectory } from "../tls/support.ts";
import { closeQuietly, greetingOf, makeConnection, TEST_SECRET, type TestNode } from "./support.ts";

/** Certificates of a CA in a directory, and what nodes make of them. */
export interface Certified {
  readonly files: PeerFiles;
  /** Another CA of a cluster of the same name. */
  readonly foreign: PeerFiles;
  /** The certificates of a node, by default those of node `id`. `aheadMs` is how far its clock is ahead; `denoVersion` is what it takes its runtime for. */
  security(
    id: number,
    options?: { readonly paths?: PeerPaths; readonly aheadMs?: number; readonly denoVersion?: string },
  ): PeerTls;
}

/** Runs with certificates that are removed afterwards. */
export async function withCertificates(body: (certified: Certified) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const files = new PeerFiles(directory);
    await body({
      files,
      foreign: new PeerFiles(directory, { name: "foreign" }),
      security: (
        id,
        { paths = files.write(`node-${id}`, files.issue(id)), aheadMs = 0, denoVersion = Deno.version.deno } = {},
      ) =>
        new PeerTls(paths, {
          clock: new SystemClock(),
          log: () => {},
          denoVersion,
          wallClockMs: () => Date.now() + aheadMs,
        }),
    });
  });
}

/** A connection with TLS to a node, by somebody who trusts that CA and has said nothing yet. */
export async function secureDial(node: TestNode, { pair }: PeerFiles): Promise<Connection> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: node.transport.port });
  tcp.setNoDelay(true);
  const hostname = `node-${node.id}.test.kvstore.internal`;
  return makeConnection(await Deno.startTls(tcp, { hostname, caCerts: [pair.certificate] }));
}

/** What a raw dialer shows and says. */
export interface Attempt {
  readonly introduction?: Partial<Introduction>;
  readonly secret?: string;
  /** Left out for none. */
  prove?(parts: readonly string[]): Evidence;
}

/** The header of a Proof in answer to a challenge. */
export function proofFor(challenge: string, { introduction = {}, secret = TEST_SECRET, prove }: Attempt): string {
  const said = sayIntroduction({ greeting: greetingOf(0), nonce: freshNonce(), to: 1, ...introduction });
  const evidence = prove === undefined ? {} : { evidence: prove(["dialer", challenge, said]) };
  return encodeProof({ said, proof: proveDialer({ secret, challenge, dialerSaid: said }), ...evidence });
}

/** Sends what `headerOf` makes of the challenge, and returns why it is refused; undefined when it is not. */
export async function refusalOf(
  connection: Connection,
  headerOf: (challenge: string) => string,
): Promise<string | undefined> {
  const first = await connection.receive();
  const challenge = first === undefined ? undefined : decodeChallenge(first.fields);
  if (challenge === undefined) throw new Error(`No challenge: ${connection.ending?.reason}`);
  connection.append(headerOf(challenge));
  connection.flush();
  const answer = await connection.receive();
  closeQuietly(connection);
  return answer === undefined ? undefined : decodeRefused(answer.fields);
}
