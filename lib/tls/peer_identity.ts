/** Who a node is to the other nodes by its certificate, and who they are to it by theirs. */

import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject, sign, verify } from "node:crypto";
import { type Certificate, publicKeyOf, readCertificate, readCertificates } from "./certificate.ts";
import { isSignedBy, readAuthorities } from "./client_authorities.ts";
import { about, CertificateError } from "./errors.ts";
import { readKey, readPem } from "./files.ts";
import { fitsKey } from "./key.ts";
import { clusterHost, nodeHost, nodeOf, nodeUri } from "./names.ts";
import type { PairPaths } from "./pair_files.ts";
import { certificateInWords, stateOf } from "./words.ts";

/** Bytes of a node's certificate: a frame of the handshake has to hold it. */
export const PEER_CERTIFICATE_BYTES_MAX = 4_096;
/** Kinds of keys that both ends of the supported runtimes sign with. */
const KEY_KINDS: readonly string[] = ["P-256", "P-384", "RSA"];
/** No signature of one program or version passes for one of another. */
const CONTEXT = "kvstore peer certificate 1";

/** Where a node's pair is, and the certificates of the CAs whose nodes it takes for its peers. */
export interface PeerPaths extends PairPaths {
  readonly authorities: string;
}

/** A certificate (DER in base64), and a signature (base64) by its key. */
export interface Signed {
  readonly certificate: string;
  readonly signature: string;
}

/** Which node has signed, and its certificate in words; or what is wrong with it. */
export type Judgement = { readonly nodeId: number } | { readonly objection: string };

/** What the files of a node hold. */
interface Contents {
  readonly leaf: Certificate;
  readonly authorities: readonly Certificate[];
  readonly now: number;
}

/** The certificate of a node with its key, and the CAs that it trusts. */
export class PeerIdentity {
  readonly cluster: string;
  readonly nodeId: number;
  /** In PEM, as TLS takes them. */
  readonly certificate: string;
  readonly key: string;
  readonly authorities: string;
  /** The CAs in words. */
  readonly trusted: string;
  readonly #leaf: Certificate;
  readonly #privateKey: KeyObject;
  readonly #trusted: readonly Certificate[];

  /** Reads the files. Throws `CertificateError`, which says what the certificate is. */
  constructor(paths: PeerPaths, now: number) {
    this.certificate = readPem(paths.certificate);
    this.key = readKey(paths.key);
    this.authorities = readPem(paths.authorities);
    this.#trusted = about(paths.authorities, () => readAuthorities(this.authorities));
    this.trusted = this.#trusted.map(({ subject }) => subject).join("; ");
    const [leaf] = about(paths.certificate, () => readCertificates(this.certificate));
    if (leaf === undefined) throw new CertificateError(`Cannot use ${paths.certificate}: it is empty`);
    const objection = about(paths.key, () => fitsKey(leaf, this.key))
      ? whyNotOwn({ leaf, authorities: this.#trusted, now })
      : `${paths.key} is not its key`;
    this.#leaf = leaf;
    const node = nodeOf(leaf.names);
    if (objection !== undefined || node === undefined) {
      throw new CertificateError(
        `Cannot use ${paths.certificate}: ${objection ?? "it is of no node"} (${this.inWords(now)})`,
      );
    }
    this.cluster = node.cluster;
    this.nodeId = node.id;
    this.#privateKey = createPrivateKey(this.key);
  }

  /** Subject, issuer, names and expiry of the certificate. */
  inWords(now: number): string {
    return certificateInWords(this.#leaf, now);
  }

  /** The name that TLS looks for in the certificate of a node; of any node of the cluster where no id is given. */
  hostOf(id: number | undefined): string {
    return id === undefined ? clusterHost(this.cluster) : nodeHost(this.cluster, id);
  }

  /** Signs what was said, as this node. */
  sign(parts: readonly string[]): Signed {
    const said = statement(nodeUri(this.cluster, this.nodeId), parts);
    const certificate = Buffer.from(this.#leaf.der).toString("base64");
    return { certificate, signature: sign("sha256", said, this.#privateKey).toString("base64") };
  }

  /** Which node of this cluster has signed what was said, `now` in milliseconds since 1970. Never throws. */
  judge({ certificate, signature }: Signed, { parts, now }: { parts: readonly string[]; now: number }): Judgement {
    try {
      const leaf = readCertificate(Buffer.from(certificate, "base64"));
      const objection = whyNoPeer({ leaf, authorities: this.#trusted, now });
      if (objection !== undefined) return refused(leaf, { objection, now });
      const node = nodeOf(leaf.names);
      if (node?.cluster !== this.cluster) {
        return refused(leaf, { objection: `it is of cluster ${node?.cluster}, this node of ${this.cluster}`, now });
      }
      const said = statement(nodeUri(node.cluster, node.id), parts);
      if (verify("sha256", said, publicKeyOf(leaf), Buffer.from(signature, "base64"))) return { nodeId: node.id };
      return refused(leaf, { objection: "what was signed with it is not what was said here and now", now });
    } catch (error) {
      return { objection: `its certificate cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
}

function statement(who: string, parts: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([CONTEXT, who, ...parts]));
}

function refused(leaf: Certificate, { objection, now }: { readonly objection: string; readonly now: number }) {
  return { objection: `its certificate does not fit: ${objection} (${certificateInWords(leaf, now)})` };
}

/** What makes a node's own certificate useless to it, though others might take it. */
function whyNotOwn(contents: Contents): string | undefined {
  const { leaf } = contents;
  const objection = whyNoPeer(contents);
  if (objection !== undefined) return objection;
  if (leaf.der.length > PEER_CERTIFICATE_BYTES_MAX) {
    return `it has ${leaf.der.length} bytes, and one of a node up to ${PEER_CERTIFICATE_BYTES_MAX}`;
  }
  const { cluster = "", id = 0 } = nodeOf(leaf.names) ?? {};
  const missing = [nodeHost(cluster, id), clusterHost(cluster)].find((host) => !leaf.names.dns.includes(host));
  if (missing === undefined) return undefined;
  return `the name ${missing} is not in it, by which TLS knows a node; kvstore tls node makes such certificates`;
}

/** Why a certificate is not of a node that a CA of these has signed, and for now; undefined when it is. */
function whyNoPeer({ leaf, authorities, now }: Contents): string | undefined {
  const signer = authorities.find((authority) => isSignedBy(leaf, authority));
  if (signer === undefined) {
    return `no CA of --peer-tls-ca has signed it (${authorities.map(({ subject }) => subject).join("; ")})`;
  }
  if (stateOf(signer, now) !== "valid") return `its CA ${STATES[stateOf(signer, now)]}`;
  if (stateOf(leaf, now) !== "valid") return `it ${STATES[stateOf(leaf, now)]}`;
  if (leaf.isAuthority) return "it is of a CA, not of a node";
  const clients = leaf.names.uri.filter((uri) => /^kvstore:\/\/[^/]+\/client\//.test(uri));
  if (clients.length > 0) return "it is of a client, not of a node";
  if (nodeOf(leaf.names) === undefined) return "it names no node, as kvstore://CLUSTER/ID does";
  if (!KEY_KINDS.includes(leaf.keyKind)) return `its key is of the kind ${leaf.keyKind}, not ${KEY_KINDS.join(", ")}`;
  const purposes = ["server", "client"].filter((purpose) => !leaf.purposes.includes(purpose));
  return leaf.purposes.length === 0 || purposes.length === 0
    ? undefined
    : `it is not for a ${purposes.join(" and a ")}`;
}

const STATES = { valid: "holds", expired: "has expired", not_yet_valid: "is not yet valid" } as const;
