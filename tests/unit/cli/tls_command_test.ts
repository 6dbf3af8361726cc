/** `kvstore tls`: which files are made, whose they are, what is never overwritten, and what is shown. */

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { splitArguments } from "../../../lib/cli/arguments.ts";
import { settle } from "../../../lib/cli/settings.ts";
import { runTlsCommand } from "../../../lib/cli/tls_command.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { makeAuthority } from "../../../lib/tls/authority.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { DAY, days, only, withDirectory } from "../tls/support.ts";
import { fakeSurroundings } from "./support.ts";

interface Result {
  readonly exitCode: number;
  readonly out: string;
}

async function tls(...args: readonly string[]): Promise<Result> {
  const surroundings = fakeSurroundings();
  const { flags, operands } = splitArguments(["tls", ...args]);
  const exitCode = await runTlsCommand({ settings: settle(flags, surroundings), operands, surroundings });
  return { exitCode, out: surroundings.output() };
}

/** The names and permissions of a directory's files. */
function listing(directory: string): readonly string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => {
    const mode = (Deno.statSync(`${directory}/${name}`).mode ?? 0) & 0o777;
    return `${name} ${mode.toString(8)}`;
  }).sort();
}

function texts(directory: string): Record<string, string> {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, Deno.readTextFileSync(`${directory}/${name}`)]));
}

Deno.test("init makes a CA and a pair for each node, with keys for their owner alone", () =>
  withDirectory(async (parent) => {
    const directory = `${parent}/deep/certs`;
    const { exitCode, out } = await tls(
      "init",
      directory,
      "--nodes",
      "0=10.0.0.1+db-0,7=10.0.0.8",
      "--cluster-id",
      "shop",
    );
    assertEquals(exitCode, 0);
    assertEquals(listing(directory), [
      ...["ca.key 600", "ca.pem 644", "node-0.key 600", "node-0.pem 644", "node-7.key 600", "node-7.pem 644"],
    ]);
    assertEquals((Deno.statSync(directory).mode ?? 0) & 0o777, 0o700);
    const { dns, ip, uri } = only(texts(directory)["node-0.pem"] ?? "").names;
    assertEquals([dns, ip, uri], [
      ["db-0", "localhost", "node-0.shop.kvstore.internal", "nodes.shop.kvstore.internal"],
      ["10.0.0.1", "127.0.0.1", "::1"],
      ["kvstore://shop/0"],
    ]);
    for (const line of [`${directory}/node-7.pem`, `Keep ${directory}/ca.key away from the nodes`]) {
      assertStringIncludes(out, line);
    }
  }));

Deno.test("init without names is for nodes of this machine, as many as a local cluster has", () =>
  withDirectory(async (directory) => {
    await tls("init", directory);
    assertEquals(listing(directory).filter((line) => line.includes("node")).length, 6);
    assertEquals(only(texts(directory)["node-2.pem"] ?? "").names, {
      dns: ["localhost", "node-2.kvstore.kvstore.internal", "nodes.kvstore.kvstore.internal"],
      ip: ["127.0.0.1", "::1"],
      uri: ["kvstore://kvstore/2"],
    });
  }));

Deno.test("nothing is overwritten without a yes, and nothing is written then", () =>
  withDirectory(async (directory) => {
    await tls("init", directory, "--nodes", "1");
    await tls("client", directory, "alice");
    const before = texts(directory);
    await Deno.remove(`${directory}/node-0.key`);
    const again: readonly (readonly string[])[] = [
      ["init", directory, "--nodes", "3"],
      ["node", directory, "0=a"],
      ["client", directory, "alice"],
    ];
    for (const args of again) {
      await assertRejects(() => tls(...args), UsageError, "--yes");
      const { ["node-0.key"]: _, ...left } = before;
      assertEquals(texts(directory), left);
    }
    const { out } = await tls("client", directory, "alice", "--yes");
    assertStringIncludes(out, `Overwrites ${directory}/client-alice.key, ${directory}/client-alice.pem`);
    assertNotEquals(texts(directory)["client-alice.pem"], before["client-alice.pem"]);
    assertEquals(listing(directory).filter((line) => line.startsWith("client")), [
      "client-alice.key 600",
      "client-alice.pem 644",
    ]);
  }));

Deno.test("node and client add to a CA that is there", () =>
  withDirectory(async (directory) => {
    await tls("init", directory, "--nodes", "1", "--cluster-id", "shop");
    await tls("node", directory, "3=db-3", "--days", "7");
    await tls("client", directory, "alice");
    const node = only(texts(directory)["node-3.pem"] ?? "");
    assertEquals([node.names.uri, node.issuer], [["kvstore://shop/3"], only(texts(directory)["ca.pem"] ?? "").subject]);
    assertEquals(Math.round((node.notAfter - Date.now()) / DAY), 7);
    assertEquals(only(texts(directory)["client-alice.pem"] ?? "").names.uri, ["kvstore://shop/client/alice"]);
  }));

Deno.test("renew gives new dates to all or to those named, and leaves every key and the CA", () =>
  withDirectory(async (directory) => {
    await tls("init", directory, "--nodes", "1", "--days", "5");
    await tls("client", directory, "alice", "--days", "5");
    await Deno.writeTextFile(`${directory}/other.pem`, "not ours");
    const before = texts(directory);
    const changed = () =>
      Object.entries(texts(directory)).filter(([name, text]) => before[name] !== text).map(([name]) => name);
    await tls("renew", directory, "client-alice");
    assertEquals(changed(), ["client-alice.pem"]);
    await tls("renew", directory);
    assertEquals(changed().sort(), ["client-alice.pem", "node-0.pem"]);
    assertEquals(Math.round((only(texts(directory)["node-0.pem"] ?? "").notAfter - Date.now()) / DAY), 365);
    await tls("renew", directory, "ca", "--days", "9000");
    assertEquals(changed().sort(), ["ca.pem", "client-alice.pem", "node-0.pem"]);
    assertEquals(Math.round((only(texts(directory)["ca.pem"] ?? "").notAfter - Date.now()) / DAY), 9_000);
  }));

Deno.test("renew writes nothing when one of them cannot be renewed, and names it", () =>
  withDirectory(async (directory) => {
    await tls("init", `${directory}/one`, "--nodes", "1");
    await tls("init", `${directory}/two`, "--nodes", "1");
    await Deno.copyFile(`${directory}/two/node-0.pem`, `${directory}/one/node-1.pem`);
    const before = texts(`${directory}/one`);
    const error = await assertRejects(() => tls("renew", `${directory}/one`), CertificateError);
    assertMatch(error.message, /^Cannot use \S+\/node-1.pem: it was not signed by this CA \(CN=KVStore CA of kvstore /);
    assertEquals(texts(`${directory}/one`), before);
  }));

Deno.test("keys and directories that others can look into are refused", () =>
  withDirectory(async (directory) => {
    await Deno.mkdir(`${directory}/open`, { mode: 0o755 });
    await assertRejects(() => tls("init", `${directory}/open`), CertificateError, "chmod 700");
    assertEquals(listing(`${directory}/open`), []);
    await tls("init", `${directory}/own`, "--nodes", "1");
    await Deno.chmod(`${directory}/own/ca.key`, 0o604);
    await assertRejects(() => tls("client", `${directory}/own`, "a"), CertificateError, "chmod 600");
    await Deno.chmod(`${directory}/own/ca.key`, 0o640);
    await tls("client", `${directory}/own`, "a");
  }));

Deno.test("show says subject, issuer, names, purposes and expiry of every certificate of a directory", () =>
  withDirectory(async (directory) => {
    await tls("init", directory, "--nodes", "0=10.0.0.1");
    const { exitCode, out } = await tls("show", directory);
    assertEquals(exitCode, 0);
    const node = out.slice(out.indexOf(`${directory}/node-0.pem`));
    assertMatch(node, /^ {2}subject {3}CN=node-0$/m);
    assertMatch(node, /^ {2}issuer {4}CN=KVStore CA of kvstore [0-9a-f]{8}$/m);
    assertMatch(
      node,
      /^ {2}names {5}localhost, node-0\.kvstore\.kvstore\.internal, nodes\.kvstore\.kvstore\.internal, 10\.0\.0\.1, 127\.0\.0\.1, ::1, kvstore:\/\/kvstore\/0$/m,
    );
    assertMatch(node, /^ {2}purposes {2}server, client$/m);
    assertMatch(node, /^ {2}valid {5}\S+Z to \S+Z, expires in 36[45] days$/m);
    assertMatch(out, /^ {2}purposes {2}signs others$/m);
  }));

Deno.test("show has the same as JSON, and ends with 1 when a certificate has expired or does not hold yet", () =>
  withDirectory(async (directory) => {
    const now = Date.now();
    const write = (name: string, from: number) =>
      Deno.writeTextFile(`${directory}/${name}`, makeAuthority("shop", days(10, from)).certificate);
    await write("a.pem", now - 13.5 * DAY);
    await write("b.pem", now + 5.5 * DAY);
    await write("c.pem", now);
    const { exitCode, out } = await tls("show", directory, "--json");
    const { certificates } = JSON.parse(out);
    assertEquals(exitCode, 1);
    assertEquals(certificates.map(({ state }: { state: string }) => state), ["expired", "not_yet_valid", "valid"]);
    const [{ names, purposes, isAuthority, keyKind, secondsLeft }] = certificates;
    assertEquals({ names, purposes, isAuthority, keyKind }, {
      names: { dns: [], ip: [], uri: ["kvstore://shop"] },
      purposes: [],
      isAuthority: true,
      keyKind: "P-256",
    });
    assert(Math.abs(secondsLeft + 3.5 * 86_400) < 100, `${secondsLeft}`);
    const words = (await tls("show", `${directory}/a.pem`, `${directory}/b.pem`)).out;
    assertStringIncludes(words, ", expired 3 days ago");
    assertStringIncludes(words, ", not yet valid, begins in 5 days: is the clock of this machine right?");
    assertEquals((await tls("show", `${directory}/c.pem`)).exitCode, 0);
  }));

Deno.test("a file that is none, or is not there, is named", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/a.pem`, "x");
    await assertRejects(
      () => tls("show", directory),
      CertificateError,
      `Cannot use ${directory}/a.pem: no certificate`,
    );
    await assertRejects(() => tls("show", `${directory}/b.pem`), CertificateError, `Cannot read ${directory}/b.pem`);
    await assertRejects(() => tls("node", directory, "0=a"), CertificateError, `Cannot read ${directory}/ca.pem`);
    await assertRejects(() => tls("renew", `${directory}/none`), CertificateError, "ca.pem");
    await assertRejects(() => tls("init", `${directory}/a.pem`), CertificateError, "Cannot make the directory");
    await Deno.mkdir(`${directory}/empty`);
    assertEquals((await tls("show", `${directory}/empty`)).out, "");
  }));

Deno.test("wrong words, names and nodes are a matter of usage or named, before anything is written", () =>
  withDirectory(async (directory) => {
    const target = `${directory}/certs`;
    for (
      const args of [[], ["init"], ["init", ""], ["show"], ["client", target], ["node", target, "0=a", "b"], [
        "shwo",
        target,
      ]]
    ) {
      await assertRejects(() => tls(...args), UsageError, "does not fit; use kvstore tls ");
    }
    for (const nodes of ["0", "2", "=a", "0=", "0=a,0=b", "0=a,b", "99999999999=a", "0=a=b"]) {
      await assertRejects(() => tls("init", target, "--nodes", nodes), UsageError);
    }
    const many = Array.from({ length: 33 }, (_, id) => `${id}=a`).join(",");
    await assertRejects(() => tls("init", target, "--nodes", many), UsageError, "up to 32 nodes, not 33");
    await assertRejects(() => tls("init", target, "--nodes", "0=a_b"), CertificateError, "neither a host name nor");
    await assertRejects(() => tls("init", target, "--cluster-id", "a/b"), CertificateError, "The name of a cluster");
    await assertRejects(() => Deno.stat(target), Deno.errors.NotFound);
    await tls("init", target);
    await assertRejects(() => tls("client", target, "../x"), CertificateError, "The name of a client");
  }));
