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
    patches: [{
      file: "lib/tls/files.ts",
      find: "secret ? PRIVATE_FILE : 0o644",
      replace: "secret ? PRIVATE_FILE | 0o044 : 0o644",
    }],
    tests: COMMAND_TESTS,
  },
  slip("M564", "A CA renews what only claims to be from it", {
    file: AUTHORITY,
    find: 'verify("sha256", old.signed, publicKeyOf(this.certificate), old.signature)',
    replace: 'typeof verify === "function"',
  }),
  {
    id: "M565",
    what: "A certificate is taken with the key of another",
    patches: [{
      file: "lib/tls/pair_files.ts",
      find: "if (!about(paths.key, () => fitsKey(leaf, key))) return",
      replace: 'if (!about(paths.key, () => fitsKey(leaf, key) || key !== "")) return',
    }],
  },
  slip("M566", "Handshakes under way are not bounded in number", {
    file: "lib/tls/handshakes.ts",
    find: "if (this.#open.size > this.#max) oldest?.();",
    replace: "if (this.#open.size > this.#max * 1e9) oldest?.();",
  }),
  slip("M567", "A client that begins a handshake and says nothing more stays for ever", {
    file: "lib/tls/handshakes.ts",
    find: "this.#clock.after(HANDSHAKE_MS, expire)",
    replace: "this.#clock.after(HANDSHAKE_MS, () => {})",
  }),
  {
    id: "M568",
    what: "A certificate that is half replaced is reported as bad at the first look, and not looked at again",
    patches: [{
      file: "lib/tls/files_watch.ts",
      find: "const isNew = stamp !== this.#suspect;",
      replace: "const isNew = stamp === this.#suspect;",
    }],
    tests: ["tests/unit/tls/pair_files_test.ts"],
  },
  slip("M569", "A handshake that fails at once ends the process", {
    file: "lib/tls/tls_socket.ts",
    find: "setImmediate(() => wire.push(Buffer.from(first)));",
    replace: "[setImmediate].forEach(() => wire.push(Buffer.from(first)));",
  }),
  slip("M570", "What a client sends is read into memory when nobody takes it", {
    file: "lib/tls/tls_socket.ts",
    find: ">= CIPHER_BYTES_MAX) this.#resume = more;",
    replace: ">= CIPHER_BYTES_MAX * 1e9) this.#resume = more;",
  }),
  {
    id: "M571",
    what: "Writes to a client that is gone succeed for ever",
    patches: [{
      file: "lib/tls/tls_socket.ts",
      find: "if (this.#failure !== undefined) return reject(this.#failure);",
      replace: "",
    }, {
      file: "lib/tls/tls_socket.ts",
      find: "const failure = this.#failure ?? (error ? asSocketError(error) : undefined);",
      replace: "const failure = error ? asSocketError(error) : undefined;",
    }],
  },
  slip("M572", "The last words of TLS are cut off where many connections end at once", {
    file: "lib/tls/tls_socket.ts",
    find: "tls.end(() => this.#wire?.end(finish));",
    replace: "tls.end(() => [this.#wire].forEach(finish));",
  }),
];
