/** A running cluster gets TLS between its nodes by rolling restarts, and then another CA, under clients that repeat their requests. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { PeerFiles } from "../support/peer_files.ts";
import { underLoad } from "./support/load.ts";
import { refusalOfJoiner, reload, rollOver } from "./support/rolling.ts";

Deno.test("nodes without TLS get certificates, and then those of another CA, and no request of a client that repeats fails", () =>
  underLoad(async (cluster, root) => {
    const [files, next] = ["ca", "next"].map((name) => new PeerFiles(root, { cluster: "shop", name }));
    if (files === undefined || next === undefined) throw new Error("two CAs are made");
    /** As an operator replaces them, for every node: all that it needs is in place before it is told to look. */
    const give = (authorities: string, issuer: PeerFiles) => {
      for (const { id } of cluster.nodes) issuer.write(`node-${id}`, issuer.issue(id), authorities);
    };
    const authorities = files.trust();
    give(authorities, files);
    const flagsOf = (id: number, name = `node-${id}`) => [
      ...["--peer-tls-cert", `${root}/${name}.pem`, "--peer-tls-key", `${root}/${name}.key`],
      ...["--peer-tls-ca", authorities],
    ];
    await rollOver(cluster, { flagsOf: (id) => [...flagsOf(id), "--peer-tls", "allow"] });
    await rollOver(cluster, { flagsOf: (id) => flagsOf(id) });
    assertStringIncludes(
      await refusalOfJoiner(cluster, []),
      "this node speaks TLS with its peers; give --peer-tls-cert",
    );

    // Both CAs, then certificates of the new one, then that one alone: each on all nodes before the next.
    const steps = [
      () => files.trust(next),
      () => give(files.trust(next), next),
      () => Deno.writeTextFileSync(authorities, next.pair.certificate),
    ];
    for (const change of steps) await reload(cluster, { change, line: "A new certificate or CA for peers" });
    // Links that are up stay: those that are made now are made by the new CA alone.
    const [follower = 0] = cluster.others(await cluster.waitForLeader());
    assertEquals((await cluster.kill(follower, "SIGTERM")).code, 0);
    await cluster.restart(follower, flagsOf(follower));
    await cluster.waitUntilEqual();
    files.write("late", files.issue(7), authorities);
    Deno.writeTextFileSync(`${root}/late-ca.pem`, next.pair.certificate + files.pair.certificate);
    const late = flagsOf(7, "late").with(-1, `${root}/late-ca.pem`);
    const refusal = await refusalOfJoiner(cluster, late);
    assertStringIncludes(refusal, "no CA of --peer-tls-ca has signed it (CN=KVStore CA of shop");
    assertEquals(
      cluster.nodes.filter(({ process }) => process?.lines.some((line) => line.includes("speaks no TLS yet"))),
      [],
    );
  }));
