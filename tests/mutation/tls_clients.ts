/** Planted bugs of the clients' side of TLS: whom they believe, and where they ask. */

import { type Mutation, slip } from "./mutation.ts";

/** In the order of their numbers. */
export const TLS_CLIENT_SLIPS: readonly Mutation[] = [
  {
    id: "M630",
    what: "With a CA of its own a tool trusts those of the system as well",
    patches: [{
      file: "lib/cli/client_tls.ts",
      find: 'surroundings.trustRoots(ca === undefined ? "System" : "None");',
      replace: 'surroundings.trustRoots("System");',
    }],
    tests: ["tests/unit/cli/client_tls_test.ts"],
  },
  {
    id: "M631",
    what: "The name that a server is to have is not asked for, only the host",
    patches: [{
      file: "lib/base/dial.ts",
      find: "const name = trust.serverName ?? hostname;",
      replace: "const name = hostname;",
    }],
    tests: ["tests/unit/base/dial_test.ts"],
  },
  {
    id: "M632",
    what: "An order that never left, since there was no TLS, counts as one that may have been done",
    patches: [{
      file: "lib/cli/admin_connection.ts",
      find: "error instanceof Deno.errors.ConnectionRefused || error instanceof TlsError;",
      replace: "error instanceof Deno.errors.ConnectionRefused;",
    }],
    tests: ["tests/unit/cli/client_tls_test.ts"],
  },
  {
    id: "M633",
    what: "A leader whose plain port alone is known to others is not found by who speaks TLS",
    patches: [{
      file: "lib/cli/shell/session.ts",
      find: "if (error instanceof ForeignServerFailure) this.#leader = await this.#findAmongOwn(id);",
      replace: "if (error instanceof ForeignServerFailure) this.#leader = await this.#findAmongOwn(undefined);",
    }],
    tests: ["tests/unit/cli/session_test.ts"],
  },
  {
    id: "M634",
    what: "On Node the client compares no names",
    patches: [{
      file: "lib/client/node_socket.ts",
      find: "checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),",
      replace: "checkServerIdentity: () => checkServerIdentity.length === 0 ? new Error() : undefined,",
    }],
    tests: ["tests/clients/client_on_node_test.ts"],
  },
  slip("M635", "A leader whose certificate is not believed is taken for one that may have done what was asked", {
    file: "lib/http/leader_proxy.ts",
    find: 'return "NoTls";',
    replace: 'return "Unknown";',
  }),
  slip("M636", "What goes to the leader goes over HTTP, whatever the members serve", {
    file: "lib/http/leader_proxy.ts",
    find: "trust: https,",
    replace: "trust: https === undefined ? https : undefined,",
  }),
  {
    id: "M637",
    what: "A node with HTTPS beside its HTTP takes the addresses that members tell for HTTPS",
    patches: [{
      file: "lib/cluster/server.ts",
      find: "return tls?.http !== undefined && told.endsWith(`:${tls.http.port}`) ? tls.members : undefined;",
      replace: "return tls?.http !== undefined && told.includes(`:`) ? tls.members : undefined;",
    }],
    tests: ["tests/e2e/tls_tools_test.ts"],
  },
  {
    id: "M638",
    what: "A node that stops waits for connections that both sides have ended",
    patches: [{
      file: "lib/tls/tls_socket.ts",
      find: "if (tls === undefined || this.#wire?.destroyed !== false) return this.#destroy();",
      replace: "if (tls === undefined || this.#wire === undefined) return this.#destroy();",
    }, {
      file: "lib/tls/tls_socket.ts",
      find: 'this.#wire.once("close", finish);',
      replace: "",
    }],
    tests: ["tests/unit/tls/tls_socket_test.ts"],
  },
  {
    id: "M639",
    what: "The certificates of a local cluster are not renewed",
    patches: [{
      file: "lib/cluster/local_certificates.ts",
      find: "if (old !== undefined && isShort(old, now)) {",
      replace: "if (old !== undefined && isShort(old, -now)) {",
    }],
    tests: ["tests/unit/cluster/local_certificates_test.ts"],
  },
  {
    id: "M640",
    what: "A local cluster makes another CA at each start",
    patches: [{
      file: "lib/cluster/local_certificates.ts",
      find: "if (!isThere(certificate)) writePair(",
      replace: "if (!isThere(`${certificate}.old`)) writePair(",
    }],
    tests: ["tests/unit/cluster/local_certificates_test.ts"],
  },
  {
    id: "M641",
    what: "The nodes of a local cluster with TLS answer on plain ports as well",
    patches: [{
      file: "lib/cli/cluster_tls.ts",
      find: '["--tls-port", port, "--http-tls-port", httpPort]',
      replace: '["--tls-port", port + 500, "--http-tls-port", httpPort]',
    }],
    tests: ["tests/unit/cli/cluster_command_test.ts"],
  },
  {
    id: "M642",
    what: "On Node the client shows no certificate, though it has one",
    patches: [{
      file: "lib/client/node_socket.ts",
      find: "...identity,",
      replace: "...(identity === undefined ? identity : {}),",
    }],
    tests: ["tests/e2e/tls_tools_test.ts"],
  },
  {
    id: "M643",
    what: "A client that asks a server again and again which does not go on with TLS runs out of file descriptors",
    patches: [{
      file: "lib/base/dial.ts",
      find: "if (trust !== undefined && hanging.isFull(`${hostname}:${port}`)) {",
      replace: "if (trust !== undefined && hanging.isFull(hostname)) {",
    }],
    tests: ["tests/unit/base/hanging_dials_test.ts"],
  },
  {
    id: "M644",
    what: "A server whose machine was lost while it hung is never asked again",
    patches: [{
      file: "lib/base/hanging_dials.ts",
      find: "return now - Math.max(...times) < HANGING_DIAL_PAUSE_MS;",
      replace: "return true;",
    }],
    tests: ["tests/unit/base/hanging_dials_test.ts"],
  },
  {
    id: "M645",
    what: "A node of a local cluster whose key was replaced and its certificate not never starts again",
    patches: [{
      file: "lib/cluster/local_certificates.ts",
      find: "about(paths.key, () => fitsKey(old, readKey(paths.key)));",
      replace: "fitsKey !== undefined;",
    }],
    tests: ["tests/unit/cluster/local_certificates_test.ts"],
  },
  {
    id: "M646",
    what: "A CA that the environment names is believed beside the one of --tls-ca",
    patches: [{
      file: "lib/cli/surroundings.ts",
      find: "for (const name of FURTHER_ROOTS_VARIABLES) Deno.env.delete(name);",
      replace: "for (const name of FURTHER_ROOTS_VARIABLES.slice(2)) Deno.env.delete(name);",
    }],
    tests: ["tests/unit/cli/trusted_roots_test.ts"],
  },
];
