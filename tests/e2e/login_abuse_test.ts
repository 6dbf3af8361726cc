import { withstandGuesses } from "../support/login_attack.ts";
import { withCluster } from "../support/process_cluster.ts";

Deno.test("guesses at 10 000 a minute keep nobody else out, from the same address or another, and take no memory", () =>
  withCluster({ nodes: 1 }, (cluster) => withstandGuesses(cluster, { attackMs: 0, newcomers: 3 })));
