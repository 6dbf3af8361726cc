/** Planted bugs of certificates and TLS: who passes for whom, for how long, and what happens to keys. */

import { type Mutation, slip } from "./mutation.ts";

const AUTHORITY = "lib/tls/authority.ts";
const COMMAND_TESTS: readonly string[] = ["tests/unit/cli/tls_command_test.ts"];

/** In the order of their numbers. */
export const CERTIFICATE_SLIPS: readonly Mutation[] = [
  slip("M560", "The certificate of a client is good for a server too", {
    file: AUTHORITY,
    find: "{ names, purposes: [OID.clientAuth] }",
    replace: "{ names, purposes: [OID.serverAuth, OID.clientAuth] }",
  }),
  slip("M561", "A client is called as a node is: one of the name 0 is node 0", {
    file: "lib/tls/names.ts",
    find: "`${clusterUri(cluster)}/client/${client}`",
    replace: "`${clusterUri(cluster)}/${client}`",
  }),
  slip("M562", "A certificate outlives its CA", {
    file: AUTHORITY,
    find: "Math.min(dates.notAfter, notAfter)",
    replace: "dates.notAfter",
  }),
  {
    id: "M563",
    what: "Everybody on the machine can read new keys",
    patches: [{ file: "lib/tls/files.ts", find: "secret ? 0o600 : 0o644", replace: "secret ? 0o644 : 0o644" }],
    tests: COMMAND_TESTS,
  },
  slip("M564", "A CA renews what only claims to be from it", {
    file: AUTHORITY,
    find: 'verify("sha256", old.signed, publicKeyOf(this.certificate), old.signature)',
    replace: 'typeof verify === "function"',
  }),
];
