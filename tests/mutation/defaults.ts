/** Planted bugs of what a node does unless it is told otherwise: whom it serves, and who can read its files. */

import { type Mutation, slip } from "./mutation.ts";

const ACCESS = "lib/cli/client_access.ts";
const START = "lib/node/start_node.ts";

function looked(test: string, mutation: Mutation): Mutation {
  return { ...mutation, tests: [test] };
}

const CLIENT_ACCESS: readonly Mutation[] = [
  slip("M770", "TLS without certificates of clients counts as a login", {
    file: ACCESS,
    find: "tls?.clientAuthorities === undefined || tls.clientPort",
    replace: "tls === undefined || tls.clientPort",
  }),
  slip("M771", "A plain HTTP port is left, and certificates of clients count", {
    file: ACCESS,
    find: " || tls.httpPort !== httpPort;",
    replace: " || (tls.httpPort === undefined && httpPort !== undefined);",
  }),
  slip("M772", "A node that joins lets everybody in", {
    file: ACCESS,
    find: 'return comesToOthers ? "ServeNobody"',
    replace: 'return comesToOthers ? "ServeEverybody"',
  }),
  slip("M773", "The flag for nodes lets clients in as well", {
    file: ACCESS,
    find: 'settings.enabled("insecure-clients") ||',
    replace: 'settings.enabled("insecure-clients") || settings.enabled("insecure-peers") ||',
  }),
  slip("M774", "A name that begins like a loopback address is taken for one", {
    file: "lib/cli/peers.ts",
    find: "/^127(\\.[0-9]{1,3}){3}$/.test(name)",
    replace: 'name.startsWith("127.")',
  }),
].map((mutation) => looked("tests/unit/cli/client_access_test.ts", mutation));

const STARTS: readonly Mutation[] = [
  slip("M775", "Without users a node of before starts at an address that others reach", {
    file: START,
    find: "if (usersRequiredAt !== undefined && !node.hasUsers())",
    replace: "if (usersRequiredAt !== undefined && !node.hasUsers() && options.join !== undefined)",
  }),
  slip("M776", "A new node begins a directory before it is refused", {
    file: START,
    find: "if (usersRequiredAt !== undefined && isNew(",
    replace: "if (usersRequiredAt === directory && isNew(",
  }),
  slip("M777", "Who is to be served nobody is served everybody until the first user", {
    file: "lib/cluster/server.ts",
    find: 'awaitsUsers: withoutUsers !== "ServeEverybody",',
    replace: 'awaitsUsers: withoutUsers === "ServeNobody" && firstUser !== undefined,',
  }),
  slip("M813", "Who starts a node on the directory of another one is told that there are no users", {
    file: START,
    find: "return nodeIdsOf(names).length === 0 &&",
    replace: "return nodeIdsOf(names).length >= 0 &&",
  }),
  slip("M816", "A local cluster without users is told to ask for certificates, for which it has no flag", {
    file: "lib/cli/cluster_command.ts",
    find: "new UsersRequiredError(host, { isLocalCluster: true })",
    replace: 'new UsersRequiredError(host, { isLocalCluster: host === "" })',
  }),
].map((mutation) => looked("tests/e2e/open_clients_test.ts", mutation));

const FILES: readonly Mutation[] = [
  looked(
    "tests/unit/storage/deno_disk_test.ts",
    slip("M778", "Data files are made as the system makes them", {
      file: "lib/storage/deno_disk.ts",
      find: "truncate: create, mode: PRIVATE_FILE };",
      replace: "truncate: create, mode: PRIVATE_FILE | 0o044 };",
    }),
  ),
  looked(
    "tests/e2e/private_files_test.ts",
    slip("M779", "What an earlier program left open stays open", {
      file: "lib/cluster/server.ts",
      find: "of closeDataDirectory(options.dataDirectory))",
      replace: 'of options.dataDirectory === "" ? closeDataDirectory("") : [])',
    }),
  ),
  looked(
    "tests/e2e/private_files_test.ts",
    slip("M780", "A first user that everybody can read is taken", {
      file: "lib/cli/credentials.ts",
      find: "return readPrivateText(String(path.value), `--${file}`)",
      replace:
        'const text = String(path.value); return (file === "password-file" ? readPrivateText(text, file) : Deno.readTextFileSync(text))',
    }),
  ),
  looked(
    "tests/unit/cluster/private_directories_test.ts",
    slip("M781", "The directory that somebody named is closed as well", {
      file: "lib/cluster/private_directories.ts",
      find: "[WAL_NAME, SNAPSHOTS_NAME, KEPT_NAME].flatMap",
      replace: '["", WAL_NAME, SNAPSHOTS_NAME, KEPT_NAME].flatMap',
    }),
  ),
];

const LATER_FILES: readonly Mutation[] = [
  ...[
    slip("M814", "The copy of a forced recovery stays as open as an earlier program made it", {
      file: "lib/cluster/private_directories.ts",
      find: "SNAPSHOTS_NAME, KEPT_NAME].flatMap",
      replace: "SNAPSHOTS_NAME, KEPT_NAME].slice(0, 2).flatMap",
    }),
    slip("M815", "A directory that the file system keeps open is said to be closed", {
      file: "lib/cluster/private_directories.ts",
      find: "if (isOpen(path)) return [staysOpen",
      replace: 'if (path === "" && isOpen(path)) return [staysOpen',
    }),
  ].map((mutation) => looked("tests/unit/cluster/private_directories_test.ts", mutation)),
  looked(
    "tests/unit/cli/settings_test.ts",
    slip("M810", "A secret in a configuration file that everybody can read is taken", {
      file: "lib/cli/config_file.ts",
      find: "flag.secret === true && surroundings",
      replace: 'flag.secret === true && key === "password" && surroundings',
    }),
  ),
];

/** All of them. */
export const DEFAULT_SLIPS: readonly Mutation[] = [...CLIENT_ACCESS, ...STARTS, ...FILES, ...LATER_FILES];
