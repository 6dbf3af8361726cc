import { withstandGuesses } from "../support/login_attack.ts";
import { withCluster } from "../support/process_cluster.ts";

Deno.test("10 000 guesses in a minute at some users, and as many at ever new names, keep nobody else out", () =>
  withCluster({}, (cluster) => withstandGuesses(cluster, { attackMs: 60_000, newcomers: 10 })));
