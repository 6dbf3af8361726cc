/** A cluster's own CA, and the certificates that it gives to nodes and clients. */

import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import { type Certificate, publicKeyOf, readCertificates } from "./certificate.ts";
import { CertificateError } from "./errors.ts";
import { type Contents, issueAuthority, issueLeaf, keyIdOf, subjectOf } from "./issue.ts";
import { fitsKey } from "./key.ts";
import * as named from "./names.ts";
import { OID } from "./object_ids.ts";

/** How long a certificate is good for, from when on. */
export interface Validity {
  readonly days: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A certificate and its key, as the texts of their files (PEM; the key as PKCS 8, not encrypted). */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** Certificates hold from so long before they are made on: the clocks of the machines that read them may be behind. */
export const CLOCK_SKEW_MS = 3_600_000;
const DAY_MS = 86_400_000;
const PURPOSES: ReadonlyMap<string, string> = new Map([["server", OID.serverAuth], ["client", OID.clientAuth]]);

/** A CA with its key. Its methods throw `CertificateError` when the CA itself does not hold at that time. */
export class Authority {
  readonly certificate: Certificate;
  readonly cluster: string;
  readonly #privateKey: KeyObject;

  /** Throws `CertificateError` when these are not a CA that `makeAuthority` has made, and its key. */
  constructor(pair: Pair) {
    const [certificate] = readCertificates(pair.certificate);
    const cluster = certificate === undefined ? undefined : named.clusterOf(certificate.names);
    if (certificate === undefined || !certificate.isAuthority || cluster === undefined) {
      throw new CertificateError("it is not the CA of a cluster, as kvstore tls init makes one");
    }
    if (!fitsKey(certificate, pair.key)) throw new CertificateError("its key is that of another certificate");
    this.certificate = certificate;
    this.cluster = cluster;
    this.#privateKey = createPrivateKey(pair.key);
  }

  /** For node `id`, which other machines reach by these names and addresses: as a server, and as a client of its peers. */
  issueNode(id: number, machines: readonly string[], validity: Validity): Pair {
    const { dns, ip } = named.machineNames(machines);
    const inCluster = [named.nodeHost(this.cluster, id), named.clusterHost(this.cluster)];
    const names = { dns: [...dns, ...inCluster], ip, uri: [named.nodeUri(this.cluster, id)] };
    return this.#issue(`node-${id}`, { names, purposes: [OID.serverAuth, OID.clientAuth] }, validity);
  }

  /** For a program or a person. */
  issueClient(name: string, validity: Validity): Pair {
    const names = { dns: [], ip: [], uri: [named.clientUri(this.cluster, named.clientName(name))] };
    return this.#issue(name, { names, purposes: [OID.clientAuth] }, validity);
  }

  /** The same certificate with new dates, for the same key; also the CA's own. Throws when it is another CA's. Returns PEM. */
  renew(old: Certificate, validity: Validity): string {
    const { subjectDer, names } = old;
    const signed = Buffer.from(old.issuerDer).equals(this.certificate.subjectDer) &&
      old.signatureAlgorithm === OID.ecdsaWithSha256 &&
      verify("sha256", old.signed, publicKeyOf(this.certificate), old.signature);
    if (!signed) throw new CertificateError(`it was not signed by this CA (${this.certificate.subject})`);
    const purposes = old.purposes.map((word) => PURPOSES.get(word) ?? word);
    const contents = { subjectDer, publicKey: publicKeyOf(old), names, purposes };
    return old.isAuthority
      ? issueAuthority({ ...contents, ...datesOf(validity) }, this.#privateKey)
      : issueLeaf({ ...contents, ...this.#leafDates(validity) }, this.#issuer());
  }

  #issue(commonName: string, what: Pick<Contents, "names" | "purposes">, validity: Validity): Pair {
    const { publicKey, key } = makeKey();
    const contents = { subjectDer: subjectOf(commonName), publicKey, ...what, ...this.#leafDates(validity) };
    return { certificate: issueLeaf(contents, this.#issuer()), key };
  }

  #issuer() {
    const { subjectDer, keyId } = this.certificate;
    return { subjectDer, privateKey: this.#privateKey, keyId: keyId ?? keyIdOf(publicKeyOf(this.certificate)) };
  }

  /** What outlives its CA is worth nothing then, so it ends with it. */
  #leafDates(validity: Validity): Pick<Contents, "notBefore" | "notAfter"> {
    const { notBefore, notAfter, subject } = this.certificate;
    if (validity.now > notAfter) {
      const ended = new Date(notAfter).toISOString();
      throw new CertificateError(
        `the CA (${subject}) has expired (${ended}): renew it first, kvstore tls renew DIR ca`,
      );
    }
    if (validity.now < notBefore) {
      const [begins, here] = [notBefore, validity.now].map((ms) => new Date(ms).toISOString());
      throw new CertificateError(`the CA (${subject}) holds from ${begins} on, and the clock here says ${here}`);
    }
    const dates = datesOf(validity);
    return { ...dates, notAfter: Math.min(dates.notAfter, notAfter) };
  }
}

/** A new CA for a cluster of that name. Throws `CertificateError` for a name that cannot stand in one. */
export function makeAuthority(cluster: string, validity: Validity): Pair {
  const { publicKey, key } = makeKey();
  // Two CAs of one cluster, while one replaces the other, are told apart by people too.
  const subjectDer = subjectOf(`KVStore CA of ${named.clusterName(cluster)} ${randomBytes(4).toString("hex")}`);
  const names = { dns: [], ip: [], uri: [named.clusterUri(cluster)] };
  const contents = { subjectDer, publicKey, names, purposes: [], ...datesOf(validity) };
  return { certificate: issueAuthority(contents, createPrivateKey(key)), key };
}

function datesOf({ days, now }: Validity): Pick<Contents, "notBefore" | "notAfter"> {
  const from = Math.floor(now / 1_000) * 1_000;
  return { notBefore: from - CLOCK_SKEW_MS, notAfter: from + days * DAY_MS };
}

function makeKey(): { readonly publicKey: KeyObject; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { publicKey, key: String(privateKey.export({ type: "pkcs8", format: "pem" })) };
}
