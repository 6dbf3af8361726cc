/** Who a certificate is for: names of machines, their addresses, and what a node or a client is called in its cluster. */

import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { CertificateError } from "./errors.ts";

/** The subject alternative names of a certificate. */
export interface Names {
  readonly dns: readonly string[];
  /** Addresses as people write them. */
  readonly ip: readonly string[];
  readonly uri: readonly string[];
}

/** Names and addresses of one certificate. */
export const CERTIFICATE_NAMES_MAX = 32;
const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const DNS_NAME = new RegExp(`^(?=.{1,253}$)(\\*\\.)?${LABEL}(\\.${LABEL})*$`);
/** No character of it means anything else in a URI, in a subject or in the name of a file. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** As above, and a part of a host name: words with dots between. */
const CLUSTER_NAME = /^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$/;
/**
 * Below it no public CA certifies anybody: `.internal` is kept for private use for ever. So it cannot matter that runtimes
 * trust the public CAs as well.
 */
const HOST_SUFFIX = "kvstore.internal";
/** Subjects hold 64 characters (RFC 5280, ub-common-name); that of the CA has 23 beside the cluster's name. */
const CLUSTER_NAME_CHARACTERS_MAX = 40;
const CLIENT_NAME_CHARACTERS_MAX = 64;
const IPV6_WORDS = 8;

/** Sorts names of machines and addresses into their kinds, each once. Throws `CertificateError`. */
export function machineNames(names: readonly string[]): Names {
  const all = [...new Set(names.map((name) => name.toLowerCase()))];
  if (all.length > CERTIFICATE_NAMES_MAX) {
    throw new CertificateError(`A certificate takes up to ${CERTIFICATE_NAMES_MAX} names, not ${all.length}`);
  }
  const ip = all.filter((name) => isIP(name) !== 0);
  const dns = all.filter((name) => isIP(name) === 0);
  const bad = dns.find((name) => !DNS_NAME.test(name) || /^[0-9.]+$/.test(name));
  if (bad === undefined) return { dns, ip, uri: [] };
  throw new CertificateError(
    `${
      JSON.stringify(bad)
    } is neither a host name nor an address; write one as node-0.example.com, 10.0.0.1 or fd00::1`,
  );
}

/** The name of a cluster, if it can stand in a certificate. Throws `CertificateError`. */
export function clusterName(name: string): string {
  plainName(name, { what: "cluster", charactersMax: CLUSTER_NAME_CHARACTERS_MAX });
  if (CLUSTER_NAME.test(name)) return name;
  throw new CertificateError(
    `The name of a cluster in a certificate is a part of host names: a letter or digit at both ends of each of its words, not ${
      JSON.stringify(name)
    }`,
  );
}

/** The name of a client, if it can stand in a certificate. Throws `CertificateError`. */
export function clientName(name: string): string {
  return plainName(name, { what: "client", charactersMax: CLIENT_NAME_CHARACTERS_MAX });
}

function plainName(name: string, { what, charactersMax }: { what: string; charactersMax: number }): string {
  if (PLAIN_NAME.test(name) && name.length <= charactersMax) return name;
  throw new CertificateError(
    `The name of a ${what} in a certificate is up to ${charactersMax} letters, digits and . _ -, not ${
      JSON.stringify(name)
    }`,
  );
}

/** What a CA is called: `kvstore://CLUSTER`. */
export function clusterUri(cluster: string): string {
  return `kvstore://${cluster}`;
}

/** What a node is called: `kvstore://CLUSTER/ID`. */
export function nodeUri(cluster: string, id: number): string {
  return `${clusterUri(cluster)}/${id}`;
}

/** What a client is called: `kvstore://CLUSTER/client/NAME`, which no node can be called. */
export function clientUri(cluster: string, client: string): string {
  return `${clusterUri(cluster)}/client/${client}`;
}

/** By what TLS knows node `id`, whatever its address is. */
export function nodeHost(cluster: string, id: number): string {
  return `node-${id}.${cluster}.${HOST_SUFFIX}`.toLowerCase();
}

/** By what TLS knows every node of the cluster. */
export function clusterHost(cluster: string): string {
  return `nodes.${cluster}.${HOST_SUFFIX}`.toLowerCase();
}

/** The node that a certificate is for; undefined for one of somebody else, and for one with several such names. */
export function nodeOf({ uri }: Names): { readonly cluster: string; readonly id: number } | undefined {
  const nodes = uri.map((name) => /^kvstore:\/\/([^/]+)\/(0|[1-9][0-9]{0,9})$/.exec(name)).filter((each) =>
    each !== null
  );
  const [, cluster = "", id = ""] = nodes[0] ?? [];
  return nodes.length === 1 ? { cluster, id: Number(id) } : undefined;
}

/** The cluster that a CA is for, by its names; undefined for a CA that was not made for one. */
export function clusterOf({ uri }: Names): string | undefined {
  return uri.map((name) => /^kvstore:\/\/([^/]+)$/.exec(name)?.[1]).find((cluster) => cluster !== undefined);
}

/** The bytes of an address, four or sixteen of them. */
export function addressBytes(address: string): Uint8Array {
  if (!address.includes(":")) return Uint8Array.from(address.split("."), Number);
  // The last four bytes may be written as an IPv4 address.
  const text = address.replace(/[0-9.]+$/, (last) => last.includes(".") ? wordsOf(last) : last);
  const [left = [], right = []] = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = Array<string>(IPV6_WORDS - left.length - right.length).fill("0");
  return Uint8Array.from([...left, ...zeros, ...right].flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 0xff];
  }));
}

function wordsOf(address: string): string {
  const hex = Buffer.from(addressBytes(address)).toString("hex");
  return `${hex.slice(0, 4)}:${hex.slice(4)}`;
}

/** An address as people write it. Throws `CertificateError` when these are not the bytes of one. */
export function showAddressBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new CertificateError("not a certificate: an address in it is none");
  const words = (Buffer.from(bytes).toString("hex").match(/.{4}/g) ?? []).map((word) => word.replace(/^0{1,3}/, ""));
  // The parser of URLs shortens it as RFC 5952 says.
  return new URL(`http://[${words.join(":")}]`).hostname.slice(1, -1);
}
