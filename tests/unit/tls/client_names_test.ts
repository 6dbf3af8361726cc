/** Which name in a certificate is a user's. */

import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
import { clientNameIn, type ClientNameKind } from "../../../lib/tls/client_names.ts";
import { element, objectId, sequence, TAG } from "../../../lib/tls/der_writer.ts";
import type { Names } from "../../../lib/tls/names.ts";
import { OID } from "../../../lib/tls/object_ids.ts";
import { newAuthority, only } from "./support.ts";

const ORGANIZATION = "2.5.4.10";
const BMP_STRING = 0x1e;
const PRINTABLE = 0x13;

type Part = readonly [id: string, text: string, tag?: number];

function subjectOf(...parts: readonly Part[]): Uint8Array {
  const sets = parts.map(([id, text, tag = TAG.utf8]) =>
    element(TAG.set, sequence(objectId(id), element(tag, Buffer.from(text))))
  );
  return sequence(...sets);
}

function nameIn(kind: ClientNameKind, { parts = [], ...names }: Partial<Names> & { parts?: readonly Part[] }) {
  return clientNameIn({ subjectDer: subjectOf(...parts), names: { dns: [], ip: [], uri: [], ...names } }, kind);
}

Deno.test("the one common name of a subject is the user, whatever else stands there", () => {
  const cn = (...parts: readonly Part[]) => nameIn("cn", { parts, dns: ["other"], uri: ["kvstore://c/client/other"] });
  assertEquals(cn([OID.commonName, "alice"]), "alice");
  assertEquals(cn([OID.commonName, "alice", PRINTABLE]), "alice");
  assertEquals(cn([ORGANIZATION, "x, CN=root"], [OID.commonName, "alice"]), "alice");
  assertEquals(cn([OID.commonName, "alice, CN=root"]), "alice, CN=root", "which no user is called");
  assertEquals(cn([ORGANIZATION, "root"]), undefined);
  assertEquals(cn([OID.commonName, "alice"], [OID.commonName, "root"]), undefined, "two are none");
  assertEquals(cn([OID.commonName, "alice"], [OID.commonName, "\0r\0o", BMP_STRING]), undefined);
  assertEquals(cn([OID.commonName, "\0r\0o", BMP_STRING]), "");
});

Deno.test("a name among the names is the user where it is the only one of its kind", () => {
  assertEquals(nameIn("dns", { dns: ["app-1"], parts: [[OID.commonName, "root"]] }), "app-1");
  assertEquals(nameIn("dns", { dns: ["app-1", "root"] }), undefined);
  assertEquals(nameIn("dns", { uri: ["kvstore://c/client/alice"] }), undefined);
  assertEquals(nameIn("uri", { uri: ["kvstore://c/client/alice", "https://example.com/root"] }), "alice");
  assertEquals(nameIn("uri", { uri: ["kvstore://c/client/alice", "kvstore://c/client/root"] }), undefined);
  for (const uri of ["kvstore://c/alice", "kvstore://c/client/a/b", "https://c/client/root", "kvstore:///client/a"]) {
    assertEquals(nameIn("uri", { uri: [uri] }), undefined, uri);
  }
});

Deno.test("kvstore tls client makes a certificate that is a user by both its names, and that of a node is nobody", () => {
  const { authority } = newAuthority();
  const validity = { days: 5, now: Date.now() };
  const client = only(authority.issueClient("alice", validity).certificate);
  assertEquals([clientNameIn(client, "cn"), clientNameIn(client, "uri")], ["alice", "alice"]);
  const node = only(authority.issueNode(0, ["localhost"], validity).certificate);
  for (const kind of ["cn", "dns", "uri"] as const) assertEquals(clientNameIn(node, kind), undefined, kind);
  const both = { ...client, names: { ...client.names, uri: [...client.names.uri, "kvstore://test/1"] } };
  assertEquals(clientNameIn(both, "cn"), undefined, "a client that is called as a node, too");
});
