import { withCluster } from "../support/process_cluster.ts";
import { addRoot, loseUnderLoad } from "../support/revocation/revocation.ts";

const ROUNDS = 20;

Deno.test("rights are revoked and users removed twenty times under load, and each time the leader is killed meanwhile", () =>
  withCluster({}, async (cluster) => {
    await addRoot(cluster);
    for (let round = 0; round < ROUNDS; round++) {
      await loseUnderLoad(cluster, { loss: round % 2 === 0 ? "Right" : "User", round });
    }
  }));
