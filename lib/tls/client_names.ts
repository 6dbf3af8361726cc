/** Which user a client is by its certificate: the name of one kind in it, where that is the only one of its kind. */

import { Buffer } from "node:buffer";
import { unreachable } from "../base/assert.ts";
import type { Certificate } from "./certificate.ts";
import { inside, readElements, readObjectId } from "./der_reader.ts";
import { TAG } from "./der_writer.ts";
import { nodeOf } from "./names.ts";
import { OID } from "./object_ids.ts";

/** Where the name stands: in the subject, or among the names, as a host or as what `kvstore tls client` writes. */
export type ClientNameKind = "cn" | "dns" | "uri";
/** Every kind. */
export const CLIENT_NAME_KINDS: readonly ClientNameKind[] = ["cn", "dns", "uri"];

/** The kinds of text in which every byte of a name is a letter of it: UTF8String, PrintableString, IA5String. */
const PLAIN_TEXTS: readonly number[] = [TAG.utf8, 0x13, 0x16];
type NamedCertificate = Pick<Certificate, "names" | "subjectDer">;
const CLIENT_URI = /^kvstore:\/\/[^/]+\/client\/([^/]+)$/;

/**
 * The name of that kind; undefined for none and for several, and for the certificate of a node, which speaks for nobody. Throws
 * `CertificateError` for a subject that is none.
 */
export function clientNameIn(certificate: NamedCertificate, kind: ClientNameKind): string | undefined {
  if (nodeOf(certificate.names) !== undefined) return undefined;
  const names = namesOf(certificate, kind);
  return names.length === 1 ? names[0] : undefined;
}

function namesOf({ names, subjectDer }: NamedCertificate, kind: ClientNameKind): readonly string[] {
  switch (kind) {
    case "cn":
      return commonNames(subjectDer);
    case "dns":
      return names.dns;
    case "uri":
      return names.uri.flatMap((uri) => CLIENT_URI.exec(uri)?.[1] ?? []);
    default:
      return unreachable(kind);
  }
}

/** From the bytes: in a subject as text a name could look like another part of it. One in another kind of text is "", and counts. */
function commonNames(subjectDer: Uint8Array): readonly string[] {
  const parts = inside(readElements(subjectDer)[0]).flatMap((set) => inside(set, TAG.set)).map((part) => inside(part));
  return parts.filter(([id]) => readObjectId(id) === OID.commonName).map(([, value]) => {
    return value !== undefined && PLAIN_TEXTS.includes(value.tag) ? Buffer.from(value.body).toString("utf8") : "";
  });
}
