/** Backups of real clusters, by the commands: taken, verified. */

import { assertEquals, assertMatch } from "@std/assert";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram, spawnLine } from "../support/program.ts";

async function download(cluster: ProcessCluster, id: number): Promise<Uint8Array> {
  const response = await fetch(`http://127.0.0.1:${cluster.node(id).httpPort}/v1/backup`);
  assertEquals(response.status, 200);
  return new Uint8Array(await response.arrayBuffer());
}

/** `kvstore verify -` with these bytes as its standard input. */
async function verifyStream(bytes: Uint8Array): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawnLine(programLine(["verify", "-"]), { stdin: "piped" });
  const writer = child.stdin.getWriter();
  // It may end before it has read all of what is damaged.
  await writer.write(bytes).then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("verify tells what is in a backup, and names file and offset of what is wrong, from a file and from standard input", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    for (let at = 0; at < 20; at++) await cluster.ask(leader, `PUT key-${at} value`);
    await cluster.waitUntilEqual();
    const status = await cluster.status(leader);
    const bytes = await download(cluster, leader);
    const path = `${cluster.root}/backup.snap`;
    await Deno.writeFile(path, bytes);
    const shown = await runProgram(["verify", path]);
    assertEquals([shown.code, shown.stderr], [0, ""]);
    assertMatch(
      shown.stdout,
      /^.*backup\.snap is whole: a backup of cluster [0-9a-f]{32} at revision \d+ \(term \d+, /,
    );
    assertMatch(shown.stdout, /^ {2}20 keys of 210 bytes with their values, 0 with a deadline$/m);
    const { stdout } = await runProgram(["verify", "--json", path]);
    const facts = JSON.parse(stdout);
    assertEquals([facts.file, facts.keys, facts.bytes], [path, 20, bytes.length]);
    assertEquals([facts.clusterId, String(facts.index)], [status.get("Cluster ID"), status.get("Last Applied")]);
    const streamed = await verifyStream(bytes);
    assertEquals([streamed.code, streamed.stderr], [0, ""]);
    assertEquals(streamed.stdout.replace("Standard input", path), shown.stdout);

    const damaged = bytes.slice();
    damaged[damaged.length - 40] = (damaged[damaged.length - 40] ?? 0) ^ 1;
    await Deno.writeFile(path, damaged);
    const refused = await runProgram(["verify", path]);
    assertEquals([refused.code, refused.stdout], [74, ""]);
    assertMatch(refused.stderr, /^kvstore: Damaged data in .*backup\.snap at offset \d+: .*\n$/);
    const broken = await verifyStream(bytes.subarray(0, bytes.length - 1));
    assertEquals([broken.code, broken.stdout], [74, ""]);
    assertMatch(broken.stderr, /^kvstore: Damaged data in standard input at offset \d+: the file is cut short\n$/);
    const missing = await runProgram(["verify", `${cluster.root}/nothing`]);
    assertEquals(missing.code, 1);
    assertMatch(missing.stderr, /^kvstore: .*nothing.*\n$/);
    assertEquals((await runProgram(["verify"])).code, 2);
  }));
