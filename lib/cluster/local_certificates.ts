/** The certificates of a local cluster: made when it is first started with TLS, kept in its directory, and renewed at later starts in time. */

import type { NodeId } from "../raft/types.ts";
import { Authority, makeAuthority, type Pair, type Validity } from "../tls/authority.ts";
import { type Certificate, readCertificates } from "../tls/certificate.ts";
import { about, CertificateError } from "../tls/errors.ts";
import { makePrivateDirectory, readKey, readPem, writeWhole } from "../tls/files.ts";
import { fitsKey } from "../tls/key.ts";
import { clusterHost, machineNames, nodeHost } from "../tls/names.ts";

/** How long the CA of a local cluster holds, in days. */
export const LOCAL_CA_DAYS = 3_650;
/** How long the certificate of its nodes holds, in days. */
export const LOCAL_NODE_DAYS = 365;
/** A start renews what holds for less than so many days from then on. */
export const LOCAL_RENEWAL_DAYS = 180;
const DAY_MS = 86_400_000;
/** What the cluster is called in certificates where it has no name. */
const CLUSTER = "kvstore";
const OWN_MACHINE: readonly string[] = ["localhost", "127.0.0.1", "::1"];

/** Where the files of one node are. */
export interface NodeCertificate {
  readonly certificate: string;
  readonly key: string;
  /** That of the CA, for clients too. */
  readonly ca: string;
}

/** For whom there are to be certificates. */
export interface LocalCertificateOptions {
  readonly ids: readonly NodeId[];
  /** The name or address by which others reach the nodes, beside those of this machine; undefined for no other. */
  readonly host: string | undefined;
  readonly clusterName: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The files of node `id` in the directory of a local cluster, whether they are there or not. */
export function certificateOf(directory: string, id: NodeId): NodeCertificate {
  const own = `${tlsDirectory(directory)}/node-${id}`;
  return { certificate: `${own}.pem`, key: `${own}.key`, ca: `${tlsDirectory(directory)}/ca.pem` };
}

/**
 * Makes what is missing, or is of another CA or for another host, and renews what soon expires. Keys are for their owner alone, in a
 * directory of their owner's. Throws `CertificateError` for files that cannot be used; they stay as they are.
 */
export function ensureCertificates(
  directory: string,
  { ids, host, clusterName = CLUSTER, now }: LocalCertificateOptions,
): void {
  makePrivateDirectory(tlsDirectory(directory));
  const authority = ensureAuthority(directory, { clusterName, now });
  const names = host === undefined || OWN_MACHINE.includes(host) ? OWN_MACHINE : [host, ...OWN_MACHINE];
  for (const id of ids) ensureNode(certificateOf(directory, id), { id, authority, names, now });
}

function tlsDirectory(directory: string): string {
  return `${directory.replace(/\/+$/, "")}/tls`;
}

function ensureAuthority(
  directory: string,
  { clusterName, now }: { readonly clusterName: string; readonly now: number },
): Authority {
  const [certificate, key] = ["ca.pem", "ca.key"].map((name) => `${tlsDirectory(directory)}/${name}`) as [
    string,
    string,
  ];
  const validity = { days: LOCAL_CA_DAYS, now };
  if (!isThere(certificate)) writePair({ certificate, key }, makeAuthority(clusterName, validity));
  const read = () => about(certificate, () => new Authority({ certificate: readPem(certificate), key: readKey(key) }));
  const authority = read();
  if (!isShort(authority.certificate, now)) return authority;
  writeWhole({ path: certificate, text: authority.renew(authority.certificate, validity), secret: false }, REPLACE);
  return read();
}

interface NodeParts {
  readonly id: NodeId;
  readonly authority: Authority;
  readonly names: readonly string[];
  readonly now: number;
}

function ensureNode(paths: NodeCertificate, { id, authority, names, now }: NodeParts): void {
  const validity = { days: LOCAL_NODE_DAYS, now };
  const old = isThere(paths.certificate) && isThere(paths.key) ? readLeaf(paths.certificate) : undefined;
  const inCluster = [nodeHost(authority.cluster, id), clusterHost(authority.cluster)];
  const isUsable = old !== undefined && names.every((name) => hasName(old, name)) &&
    inCluster.every((name) => old.names.dns.includes(name)) &&
    // A start may have ended between key and certificate.
    about(paths.key, () => fitsKey(old, readKey(paths.key)));
  const again = isUsable ? renewed(authority, { old, validity }) : undefined;
  if (again === undefined) return writePair(paths, authority.issueNode(id, names, validity));
  if (old !== undefined && isShort(old, now)) {
    writeWhole({ path: paths.certificate, text: again, secret: false }, REPLACE);
  }
}

/** The certificate with new dates; undefined for one of another CA. */
function renewed(
  authority: Authority,
  { old, validity }: { readonly old: Certificate; readonly validity: Validity },
): string | undefined {
  try {
    return authority.renew(old, validity);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

function readLeaf(path: string): Certificate | undefined {
  return about(path, () => readCertificates(readPem(path)))[0];
}

function hasName({ names: { dns, ip } }: Certificate, name: string): boolean {
  const wanted = machineNames([name]);
  return [...dns, ...ip].some((has) => [...wanted.dns, ...wanted.ip].includes(has));
}

function isShort({ notAfter }: Certificate, now: number): boolean {
  return notAfter - now < LOCAL_RENEWAL_DAYS * DAY_MS;
}

const REPLACE = { replace: true };

/** The key first: a certificate without one would be taken for whole. */
function writePair(paths: { readonly certificate: string; readonly key: string }, { certificate, key }: Pair): void {
  writeWhole({ path: paths.key, text: key, secret: true }, REPLACE);
  writeWhole({ path: paths.certificate, text: certificate, secret: false }, REPLACE);
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new CertificateError(`Cannot look for ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
