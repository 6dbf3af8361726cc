import { withCluster } from "../support/process_cluster.ts";
import { addRoot, loseUnderLoad } from "../support/revocation/revocation.ts";

Deno.test("a revoked right is gone on every node once that is acknowledged, under load and with the leader killed meanwhile", () =>
  withCluster({}, async (cluster) => {
    await addRoot(cluster);
    await loseUnderLoad(cluster, { loss: "Right", round: 0 });
  }));

Deno.test("a removed user is gone on every node once that is acknowledged, under load and with the leader killed meanwhile", () =>
  withCluster({}, async (cluster) => {
    await addRoot(cluster);
    await loseUnderLoad(cluster, { loss: "User", round: 0 });
  }));
