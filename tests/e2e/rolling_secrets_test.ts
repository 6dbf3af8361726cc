/** A running cluster gets a secret, and another one, by rolling restarts, under clients that repeat their requests. */

import { assertStringIncludes } from "@std/assert";
import { underLoad } from "./support/load.ts";
import { refusalOfJoiner, rollOver } from "./support/rolling.ts";

const OTHER_SECRET = "the cluster secrets of the two nodes differ";

function secretFile(root: string, secret: string): string {
  const path = `${root}/${secret.replaceAll(" ", "-")}`;
  Deno.writeTextFileSync(path, `${secret}\n`, { mode: 0o600 });
  return path;
}

Deno.test("nodes with the secret of their user get one of their own, and then another, and no request of a client that repeats fails", () =>
  underLoad(async (cluster, root) => {
    const [first, second] = ["the first secret of all", "the second secret of all"].map((text) =>
      secretFile(root, text)
    );
    const flags = (file: string | undefined, previous?: string) => [
      ...["--cluster-secret-file", file ?? ""],
      ...previous === undefined ? [] : ["--previous-cluster-secret-file", previous],
    ];
    await rollOver(cluster, { flagsOf: () => flags(first, "none") });
    // Whoever has either is let in until nobody needs the one before.
    await rollOver(cluster, { flagsOf: () => flags(second, first) });
    assertStringIncludes(await refusalOfJoiner(cluster, []), OTHER_SECRET);
    await rollOver(cluster, { flagsOf: () => flags(second) });
    for (const old of [[], flags(first), flags(first, "none")]) {
      assertStringIncludes(await refusalOfJoiner(cluster, old), OTHER_SECRET);
    }
  }));
