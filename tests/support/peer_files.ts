/** Files of certificates for nodes that speak TLS with each other: those that fit, and those that a careless CA might sign. */

import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { Authority, makeAuthority, type Pair } from "../../lib/tls/authority.ts";
import { issueLeaf, keyIdOf, subjectOf } from "../../lib/tls/issue.ts";
import { publicKeyOf } from "../../lib/tls/certificate.ts";
import { clusterHost, type Names, nodeHost, nodeUri } from "../../lib/tls/names.ts";
import { OID } from "../../lib/tls/object_ids.ts";
import type { PeerPaths } from "../../lib/tls/peer_identity.ts";

const DAY_MS = 86_400_000;
/** The CA holds from so long ago on. */
const AGE_DAYS = 100;

/** What a certificate is to say that no `Authority` would sign. */
export interface OddContents {
  readonly names: Names;
  readonly purposes?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
}

/** A CA of a cluster, and what it has signed, in files below a directory. */
export class PeerFiles {
  readonly authority: Authority;
  /** The CA's certificate and key. */
  readonly pair: Pair;
  readonly #directory: string;
  readonly #name: string;

  constructor(directory: string, { cluster = "test", name = "ca" } = {}) {
    this.#directory = directory;
    this.#name = name;
    this.pair = makeAuthority(cluster, { days: 3_650, now: Date.now() - AGE_DAYS * DAY_MS });
    this.authority = new Authority(this.pair);
  }

  /** The file of the CA's certificate, with others behind it. */
  trust(...others: readonly PeerFiles[]): string {
    const path = `${this.#directory}/${this.#name}-trusted.pem`;
    Deno.writeTextFileSync(path, [this, ...others].map(({ pair }) => pair.certificate).join(""));
    return path;
  }

  /** A pair for node `id`. */
  issue(id: number, days = 30): Pair {
    return this.authority.issueNode(id, ["localhost", "127.0.0.1"], { days, now: Date.now() });
  }

  /** What the CA's key signs, whatever it says. */
  issueOdd({ names, purposes = [OID.serverAuth, OID.clientAuth], ...dates }: OddContents): Pair {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { subjectDer, keyId } = this.authority.certificate;
    const issuer = {
      subjectDer,
      privateKey: createPrivateKey(this.pair.key),
      keyId: keyId ?? keyIdOf(publicKeyOf(this.authority.certificate)),
    };
    const { notBefore = Date.now() - DAY_MS, notAfter = Date.now() + DAY_MS } = dates;
    const certificate = issueLeaf(
      { subjectDer: subjectOf("odd"), publicKey, names, purposes, notBefore, notAfter },
      issuer,
    );
    return { certificate, key: String(privateKey.export({ type: "pkcs8", format: "pem" })) };
  }

  /** The files of a pair under a name, as their owner alone can read them; replaced where they are there. */
  write(name: string, { certificate, key }: Pair, authorities = this.trust()): PeerPaths {
    const paths = {
      certificate: `${this.#directory}/${name}.pem`,
      key: `${this.#directory}/${name}.key`,
      authorities,
    };
    for (const [path, text] of [[paths.certificate, certificate], [paths.key, key]] as const) {
      Deno.writeTextFileSync(`${path}.new`, text, { mode: 0o600 });
      Deno.renameSync(`${path}.new`, path);
    }
    return paths;
  }
}

/** The names of node `id` of a cluster, as a CA gives them. */
export function nodeNames(id: number, cluster = "test"): Names {
  return { dns: [nodeHost(cluster, id), clusterHost(cluster)], ip: [], uri: [nodeUri(cluster, id)] };
}
