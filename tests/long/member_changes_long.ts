/**
 * Members come and go as fast as they can, under load, while nodes are killed and cut off, the leader among them: no write is
 * lost, no read is stale, and there is hardly a second without writes where a majority could reach each other. Half a minute with three
 * voters; `KVSTORE_CHANGES_SECONDS=300` for longer, and then also with five, of which two at once are cut off as well.
 *
 * Half a minute is the shortest form that has found what was planted: writes over HTTP that are answered before they are committed
 * (lost keys, and no order of the operations), and reads that a node without a leader, cut off or removed, answers from what it
 * has (no order). A partition of the leader, and servers that are removed while they are cut off, come in that time.
 */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { Workload } from "../chaos/clients.ts";
import { KeySpace } from "../chaos/keys.ts";
import { Recorder } from "../chaos/recorder.ts";
import { describeSearchResult, searchLinearization } from "../linearizability/search.ts";
import { ComingMembers } from "../support/coming_members.ts";
import { Ledger, type LedgerWrite } from "../support/ledger.ts";
import { MajorityWindows, type WindowCounts } from "../support/majority_windows.ts";
import { Partitions } from "../support/partitions.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";

const WANTED_SECONDS = Deno.env.get("KVSTORE_CHANGES_SECONDS");
const SECONDS = Number(WANTED_SECONDS ?? 30);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
/** Of 40 in five minutes. */
const CHANGES_PER_SECOND_MIN = 40 / 300;
/** Of the windows of one second in which a majority could reach each other. */
const SERVED_SHARE_MIN = 0.95;
/** In a run that is not as long as the one for which this is asked a partition of the leader may cost so many windows more. */
const [LONG_SECONDS, ELECTION_WINDOWS] = [300, 2];
/** Of all windows: else the faults left too few to say anything. */
const COUNTED_SHARE_MIN = 0.7;
/** A node is killed in every second round. */
const KILL_EVERY = 2;
/** Groups of five clients each. */
const GROUPS = 2;
const PAUSE_MS_MAX = 40;
/** More broken promises say nothing new. */
const TOLD_MAX = 10;
/** What fills up values. */
const PADDING = /x{8,}/g;

/** Notes in which windows writes were acknowledged. */
class WindowedLedger extends Ledger {
  readonly #windows: MajorityWindows;

  constructor(windows: MajorityWindows) {
    super();
    this.#windows = windows;
  }

  override add(write: LedgerWrite): void {
    super.add(write);
    if (write.return !== null) this.#windows.serve();
  }
}

/** What a run has shown. */
interface Shown {
  /** One line for each promise that was broken. */
  readonly broken: readonly string[];
  readonly counts: WindowCounts;
  readonly coming: ComingMembers;
  readonly partitions: Partitions;
  readonly recorder: Recorder;
}

async function run(cluster: ProcessCluster): Promise<Shown> {
  const windows = new MajorityWindows(cluster.others());
  const random = new Random(SEED);
  using ledger = new WindowedLedger(windows);
  const recorder = new Recorder(ledger);
  const parts = { cluster, windows };
  const coming = new ComingMembers({ ...parts, random: random.fork(), cutOff: () => partitions.cutOff });
  const partitions: Partitions = new Partitions({
    ...{ ...parts, random: random.fork() },
    voters: () => coming.voters,
    leader: () => coming.leader(),
  });
  const keySpaces = Array.from({ length: GROUPS }, (_, group) => new KeySpace(`k${group}-`));
  const { ports } = coming;
  const workload = new Workload({ ports, recorder, keySpaces, random: random.fork(), pauseMsMax: PAUSE_MS_MAX });
  const broken: string[] = [];
  // After a problem too: what else is wrong helps to find out why.
  const step = async (what: string, work: () => Promise<readonly string[]>) => {
    broken.push(
      ...await work().catch((error: unknown) => [`${what}: ${error instanceof Error ? error.message : error}`]),
    );
  };
  await step("changes", () => change(coming));
  await step("partitions", () => partitions.stop().then(() => []));
  const counts = windows.count();
  await workload.stop();
  await step("removed nodes", () => coming.leftovers());
  await step("acknowledged writes", () => ledger.check(cluster.node(0).clientPort));
  await coming.end();
  const searched = searchLinearization(recorder.operations);
  if (searched.type !== "Linearizable") broken.push(describeSearchResult(searched));
  const told = [...recorder.surprises, ...broken].slice(0, TOLD_MAX).map((line) => line.replace(PADDING, "x..."));
  return { broken: told, counts, coming, partitions, recorder };
}

/** One change after the other until the time is over. */
async function change(coming: ComingMembers): Promise<readonly string[]> {
  const end = performance.now() + SECONDS * 1_000;
  for (let round = 0; performance.now() < end; round++) {
    await coming.join();
    if (round % KILL_EVERY === 1) await coming.kill();
    await coming.remove();
  }
  return [];
}

/** Members of a cluster that begins with so many come and go. */
function comeAndGo(nodes: number): Promise<void> {
  return withCluster({ proxied: true, nodes }, async (cluster) => {
    const { broken, counts: { all, counted, served, unserved }, coming, partitions, recorder } = await run(cluster);
    const { changes, kills } = coming;
    const { leader, minority, two } = partitions.felt;
    const { acknowledged, unknown, failedReads, operations } = recorder;
    const reads = operations.filter(({ operation }) => operation === "get").length;
    const told =
      `seed ${SEED}: ${changes} changes, ${kills} kills, ${leader} partitions of the leader, ${minority} of ` +
      `others and ${two} of two; in ${counted} of ${all} s a majority could reach each other, writes in ${served} of these, not in seconds ` +
      `${unserved} (the leader was cut off in ${partitions.leaderCutIn}); ${acknowledged} writes acknowledged, ${unknown} unknown, ${reads} reads answered, ${failedReads} not`;
    await Deno.stderr.write(new TextEncoder().encode(`${told}\n`));
    assertEquals(broken, [], told);
    assertGreaterOrEqual(changes, CHANGES_PER_SECOND_MIN * SECONDS, told);
    assertGreaterOrEqual(counted, COUNTED_SHARE_MIN * all, told);
    const elections = SECONDS < LONG_SECONDS ? ELECTION_WINDOWS * leader : 0;
    assertGreaterOrEqual(served, SERVED_SHARE_MIN * counted - elections, told);
    assert(leader > 0 && minority > 0 && kills > 0 && reads > 0, told);
    assert(two > 0 || nodes < 5, told);
  });
}

for (const nodes of WANTED_SECONDS === undefined ? [3] : [3, 5]) {
  const name =
    `members of ${nodes} come and go for ${SECONDS} s while nodes are killed and cut off, and no promise is broken`;
  Deno.test(name, () => comeAndGo(nodes));
}
