/**
 * Revocations under load on real processes, one after the other in one cluster. Three of them; `KVSTORE_REVOCATIONS=20` for more, which
 * takes two to three minutes.
 */

import { withCluster } from "../support/process_cluster.ts";
import { addRoot, loseUnderLoad } from "../support/revocation/revocation.ts";

const ROUNDS = Number(Deno.env.get("KVSTORE_REVOCATIONS") ?? "3");

Deno.test("rights are revoked and users removed under load again and again, and each time the leader is killed meanwhile", () =>
  withCluster({}, async (cluster) => {
    await addRoot(cluster);
    for (let round = 0; round < ROUNDS; round++) {
      await loseUnderLoad(cluster, { loss: round % 2 === 0 ? "Right" : "User", round });
    }
  }));
