/** One row of the matrix: a client that uses the server, and goes on when its leader dies. */

import { isRedisTarget, type Target, withTarget } from "./cluster.ts";
import { Driver } from "./driver.ts";
import { failOver } from "./fail_over.ts";
import { NODE_DRIVERS, nodePackages } from "./node_packages.ts";
import { runSteps, type Step } from "./steps.ts";
import { type Need, NODE, NPM, testWith } from "../../support/needs.ts";

/** A client of the matrix. */
export interface ClientRow {
  /** Library and version, as the test is called. */
  readonly title: string;
  /** The command line of its driver for the addresses of the servers, `host:port` joined by commas. */
  readonly driver: (addresses: string) => readonly string[] | Promise<readonly string[]>;
  readonly steps: readonly Step[];
  /** What it runs on; Node with npm unless it is said. */
  readonly needs?: readonly Need[];
  /** Whether it is a cluster client, which is told every address; default false. */
  readonly clusterClient?: boolean;
}

/** The driver for Node of that name, with the packages of the matrix. */
export function nodeDriver(name: string): ClientRow["driver"] {
  return async (addresses) => ["node", `${NODE_DRIVERS}/driver.js`, name, await nodePackages(), addresses];
}

/** Defines the test of a client. */
export function testClient(row: ClientRow): void {
  const clusterMode = row.clusterClient === true;
  testWith(row.needs ?? [NODE, NPM], `${row.title} connects, uses the server and survives a fail-over`, async (t) => {
    await withTarget({ clusterMode }, async (target) => {
      await using driver = await Driver.start(row.title, await row.driver(addressesOf(target, clusterMode)));
      await t.step(`${row.title} gets the replies it should`, () => runSteps(row.title, driver, row.steps));
      await t.step({
        name: `${row.title} goes on after the death of a leader${isRedisTarget() ? " (needs KVStore: left out)" : ""}`,
        ignore: target.cluster === undefined,
        fn: () => killLeaders(row, driver, target),
      });
    });
  });
}

async function killLeaders(row: ClientRow, driver: Driver, { cluster, ports }: Target): Promise<void> {
  if (cluster === undefined) throw new Error("Cannot kill a leader: there is one server only");
  const onlyPort = row.clusterClient === true ? undefined : ports[0];
  await failOver({ client: row.title, driver, cluster, onlyPort });
}

function addressesOf({ ports }: Target, all: boolean): string {
  return ports.slice(0, all ? ports.length : 1).map((port) => `127.0.0.1:${port}`).join(",");
}
