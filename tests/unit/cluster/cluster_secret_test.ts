/** The secret that the nodes of one user share: made once by whoever is first, read by the owner alone. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  ClusterSecretError,
  launcherSecretPath,
  passSecrets,
  readSecretFile,
  secretsOf,
  sharedSecret,
  sharedSecretPath,
} from "../../../lib/cluster/cluster_secret.ts";
import { ROOT } from "../../support/program.ts";

const NOBODY = 65_534;

async function withDirectory(body: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-secret-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function refusalOf(path: string): string {
  return assertThrows(() => sharedSecret(path), ClusterSecretError).message;
}

Deno.test("what a node takes for the secret, with certificates and without, and while it changes", () => {
  const [clusterSecret, old] = ["that of now", "that of before"];
  const plain = secretsOf({ clusterSecret, previously: { clusterSecret: old } });
  assertEquals([plain.secret, plain.previousSecret, plain.plainSecret], [clusterSecret, old, undefined]);
  assertEquals(passSecrets(plain), [clusterSecret, old]);
  const peerTls = {};
  const bare = secretsOf({ clusterSecret: undefined, peerTls });
  assertEquals([bare.secret, bare.previousSecret, bare.plainSecret], ["", undefined, undefined]);
  const given = secretsOf({ clusterSecret, previously: { clusterSecret: undefined }, peerTls });
  assertEquals([given.secret, given.previousSecret, given.previousPlainSecret], [clusterSecret, "", undefined]);
  const both = secretsOf({ clusterSecret, previously: { clusterSecret: old }, peerTls: { alsoPlain: true } });
  assertEquals([both.plainSecret, both.previousPlainSecret], [clusterSecret, old]);
});

Deno.test("passes are keyed by what is kept of a password alone where all nodes have TLS and no secret, and nowhere else", () => {
  const found = () => "of this user";
  const none = () => undefined;
  assertEquals(passSecrets({ secret: "", plainSecret: "p", previousSecret: "", previousPlainSecret: "q" }, found), [
    "p",
    "q",
  ]);
  assertEquals(passSecrets({ secret: "", plainSecret: "p" }, found), ["p"]);
  assertEquals(passSecrets({ secret: "s" }, found), ["s"]);
  assertEquals(passSecrets({ secret: "" }, none), [""]);
  assertEquals(passSecrets({ secret: "" }, found), ["", "of this user"]);
  assertEquals(passSecrets({ secret: "s", previousSecret: "" }, found), ["s", "", "of this user"]);
});

Deno.test("the file is in the state directory of the user", () => {
  const at = (os: string, variables: Readonly<Record<string, string>>) =>
    sharedSecretPath({ os, environment: (name) => variables[name] });
  assertEquals(at("linux", { HOME: "/home/a" }), "/home/a/.local/state/kvstore/cluster-secret");
  assertEquals(at("linux", { HOME: "/home/a", XDG_STATE_HOME: "/state" }), "/state/kvstore/cluster-secret");
  assertEquals(
    at("darwin", { HOME: "/Users/a", XDG_STATE_HOME: "relative" }),
    "/Users/a/.local/state/kvstore/cluster-secret",
  );
  assertEquals(at("windows", { LOCALAPPDATA: "C:\\a" }), "C:\\a/kvstore/cluster-secret");
  const { message } = assertThrows(() => at("linux", {}), ClusterSecretError);
  assertStringIncludes(message, "HOME and XDG_STATE_HOME are not set; --cluster-secret-file names another one");
});

Deno.test("a launcher has the secret of the user, and where there is no home one in the directory of its cluster", () => {
  const at = (variables: Readonly<Record<string, string>>) =>
    launcherSecretPath("/data", { os: "linux", environment: (name) => variables[name] });
  assertEquals(at({ HOME: "/home/a" }), "/home/a/.local/state/kvstore/cluster-secret");
  assertEquals(at({ HOME: "" }), "/data/cluster-secret");
  assertEquals(at({}), "/data/cluster-secret");
});

Deno.test("the first start makes the secret, for the owner's eyes alone, and later ones find it", () =>
  withDirectory((directory) => {
    const path = `${directory}/state/kvstore/cluster-secret`;
    const secret = sharedSecret(path);
    assertMatch(secret, /^[0-9a-f]{64}$/);
    assertEquals(sharedSecret(path), secret);
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    assertEquals([...Deno.readDirSync(`${directory}/state/kvstore`)].map(({ name }) => name), ["cluster-secret"]);
  }));

Deno.test("processes that race for the first start agree", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/cluster-secret`;
    const module = `${ROOT}lib/cluster/cluster_secret.ts`;
    const code = `import { sharedSecret } from "${module}"; console.log(sharedSecret(${JSON.stringify(path)}));`;
    for (let round = 0; round < 3; round++) {
      const runs = await Promise.all(Array.from({ length: 4 }, async () => {
        const command = new Deno.Command(Deno.execPath(), {
          args: ["eval", "--no-lock", `--config=${ROOT}deno.json`, code],
        });
        const { stdout, stderr } = await command.output();
        return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
      }));
      assertEquals(new Set(runs).size, 1, runs.join("\n"));
      assertMatch(runs[0] ?? "", /^[0-9a-f]{64}$/);
      await Deno.remove(path);
    }
  }));

Deno.test("what is wrong with the file is one line that names it and the flag", () =>
  withDirectory((directory) => {
    const path = `${directory}/cluster-secret`;
    Deno.writeTextFileSync(path, "", { mode: 0o600 });
    assertMatch(
      refusalOf(path),
      /cluster-secret is not what was written there: remove it; --cluster-secret-file names/,
    );
    Deno.writeTextFileSync(path, `${"a".repeat(64)}\n`);
    Deno.chmodSync(path, 0o644);
    assertMatch(refusalOf(path), /cluster-secret can be read by others: chmod 600 it; --cluster-secret-file names/);
    const below = `${path}/kvstore/cluster-secret`;
    assertMatch(
      refusalOf(below),
      /^Cannot (read|make) the cluster secret .*; --cluster-secret-file names another one$/,
    );
    assert(!refusalOf(below).includes("\n"));
  }));

Deno.test({
  name: "a file of another user is refused (needs root, to give it away)",
  ignore: Deno.build.os === "windows" || Deno.uid() !== 0,
  fn: () =>
    withDirectory((directory) => {
      const path = `${directory}/cluster-secret`;
      sharedSecret(path);
      Deno.chownSync(path, NOBODY, NOBODY);
      assertMatch(refusalOf(path), /belongs to another user \(65534\); --cluster-secret-file names another one/);
    }),
});

Deno.test("a secret of the operator's own is the file's text without blanks at its ends, and not too short", () =>
  withDirectory((directory) => {
    const path = `${directory}/own`;
    Deno.writeTextFileSync(path, "  what all nodes share\r\n", { mode: 0o600 });
    assertEquals(readSecretFile(path), "what all nodes share");
    Deno.writeTextFileSync(path, "short\n");
    assertStringIncludes(assertThrows(() => readSecretFile(path), ClusterSecretError).message, "needs 16 to 4096");
    assertStringIncludes(
      assertThrows(() => readSecretFile(`${directory}/none`), ClusterSecretError).message,
      "Cannot read the cluster secret",
    );
  }));
