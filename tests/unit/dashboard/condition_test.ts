/** What the dashboard says of the cluster: true of every node that is up, down, paused or cut off, in one sentence. */

import { assertEquals } from "@std/assert";
import { conditionOf, headlineOf, lastSeenOf } from "../../../lib/dashboard/assets/condition.js";

interface Scene {
  /** Ids of the voters. */
  readonly ids?: readonly number[];
  /** The node that is shown. */
  readonly shown?: number;
  readonly leader?: number | null;
  readonly unreachable?: readonly number[];
  readonly quarantined?: readonly number[];
  /** States that the launcher tells of; a node without one is `Running`. Undefined: there is no launcher. */
  readonly launched?: Readonly<Record<number, string>>;
  readonly link?: string;
  readonly lag?: Readonly<Record<number, number>>;
}

function partsOf({ ids = [0, 1, 2], shown = 0, leader = 0, unreachable = [], launched, lag = {}, ...scene }: Scene) {
  const node = { id: shown, leader, term: 7 };
  const members = ids.map((id) => {
    const reachable = !unreachable.includes(id);
    const quarantined = scene.quarantined?.includes(id) === true;
    return { id, voter: true, reachable, quarantined, role: "Follower", lag: lag[id] ?? 0 };
  });
  const processes = launched === undefined ? undefined : ids.map((id) => {
    const state = launched[id] ?? "Running";
    return { id, state: state === "Partitioned" ? "Running" : state, partitioned: state === "Partitioned" };
  });
  return { frame: { node, members }, launched: processes };
}

function headline(scene: Scene): { readonly level: string; readonly title: string; readonly detail: string } {
  return headlineOf({ link: scene.link ?? "live", passedMs: 12_000, ...partsOf(scene) });
}

Deno.test("dashboard headline: says what works, what is missing, and what to do", () => {
  const five = [0, 1, 2, 3, 4];
  const cases: readonly (readonly [Scene, string, string])[] = [
    [{}, "good", "Healthy, can lose 1 node"],
    [{ ids: five }, "good", "Healthy, can lose 2 nodes"],
    [{ ids: [0] }, "good", "Healthy, but cannot lose a node"],
    [{ unreachable: [2] }, "warn", "Working without node 2, cannot lose another node"],
    [{ ids: five, unreachable: [2] }, "warn", "Working without node 2, can lose 1 more"],
    [{ ids: five, unreachable: [1, 2] }, "warn", "Working without nodes 1 and 2, cannot lose another node"],
    [{ leader: null }, "busy", "Electing a leader"],
    [{ leader: 2, unreachable: [2] }, "busy", "Electing a leader"],
    [{ leader: 2, launched: { 2: "Paused" } }, "busy", "Electing a leader"],
    [{ shown: 1, leader: null, unreachable: [0, 2] }, "bad", "No quorum: start node 0 or 2"],
    [{ shown: 1, leader: 1, unreachable: [0, 2] }, "bad", "No quorum: start node 0 or 2"],
    [
      { shown: 1, leader: null, unreachable: [0, 2], launched: { 0: "Down", 2: "Paused" } },
      "bad",
      "No quorum: start node 0 or continue node 2",
    ],
    [
      { shown: 1, leader: null, unreachable: [0, 2], launched: { 0: "Partitioned", 2: "Down" } },
      "bad",
      "No quorum: heal node 0 or start node 2",
    ],
    [{ ids: five, leader: null, unreachable: [1, 2, 3] }, "bad", "No quorum: start node 1, 2 or 3"],
    [{ ids: five, leader: null, unreachable: [1, 2, 3, 4] }, "bad", "No quorum: bring back 2 of nodes 1, 2, 3 and 4"],
    [{ ids: [0, 1], leader: null, unreachable: [1] }, "bad", "No quorum: start node 1"],
    [
      { leader: null, unreachable: [1, 2], launched: { 0: "Partitioned" } },
      "bad",
      "Node 0 is partitioned: heal it to bring it back",
    ],
    [{ quarantined: [2] }, "warn", "Working without node 2, cannot lose another node"],
    [{ shown: 2, quarantined: [2] }, "warn", "Working without node 2, cannot lose another node"],
    [
      { leader: null, quarantined: [1], unreachable: [2], launched: { 2: "Down" } },
      "bad",
      "No quorum: wait for node 1 or start node 2",
    ],
    [{ link: "reconnecting" }, "busy", "Connection lost"],
    [{ link: "gone" }, "bad", "No node answers"],
  ];
  for (const [scene, level, title] of cases) {
    const said = headline(scene);
    assertEquals([said.level, said.title], [level, title], JSON.stringify(scene));
  }
});

Deno.test("dashboard headline: the details tell how each node fares, and how old the news is", () => {
  assertEquals(
    headline({ unreachable: [1], launched: { 1: "Down" } }).detail,
    "Node 1 was killed. Node 0 leads 2 of 3 in term 7.",
  );
  const { detail } = headline({ shown: 1, leader: null, unreachable: [0, 2], launched: { 0: "Down", 2: "Down" } });
  assertEquals(
    detail,
    "Node 1 reaches 1 of 3 nodes and needs 2: nothing can be written or read, except stale values. Nodes 0 and 2 were killed.",
  );
  assertEquals(
    headline({ lag: { 2: 50_000 } }).detail,
    "All 3 nodes answer. Node 0 leads in term 7. Node 2 still catches up: 50,000 entries behind.",
  );
  assertEquals(
    headline({ quarantined: [2] }).detail,
    "Node 2 is in quarantine and waits for a snapshot. Node 0 leads 2 of 3 in term 7.",
  );
  // A follower knows of the others what their last ping told: that is no lag.
  assertEquals(
    headline({ shown: 1, lag: { 2: 50_000 } }).detail,
    "All 3 nodes answer. Node 0 leads in term 7.",
  );
  const cut = headline({ leader: null, unreachable: [1, 2], launched: { 0: "Partitioned", 1: "Paused" } });
  assertEquals(cut.detail, "It serves only stale values, and the others that run are no majority either.");
  assertEquals(headline({ link: "gone" }).detail.endsWith("What you see below was so 12 s ago."), true);
  assertEquals(
    headlineOf({ link: "reconnecting", frame: undefined, launched: undefined, passedMs: 0 }).title,
    "Connecting",
  );
});

Deno.test("dashboard conditions: killed, crashed, paused, partitioned, starting and unreachable are told apart", () => {
  const scene = partsOf({
    ids: [0, 1, 2, 3, 4, 5, 6, 7],
    unreachable: [1, 2, 3, 4, 5],
    quarantined: [3, 7],
    launched: { 1: "Down", 2: "Waiting", 3: "Paused", 4: "Partitioned" },
  });
  const { frame: { node, members }, launched } = scene;
  const labels = members.map((member) => conditionOf(member, { node, launched }).label);
  assertEquals(labels, [
    "leader",
    "killed",
    "crashed",
    "paused",
    "partitioned",
    "not answering",
    "follower",
    "in quarantine",
  ]);
  const unknown = members.map((member) => conditionOf(member, { node, launched: undefined }).label);
  assertEquals(unknown.slice(1, 3), ["not reachable", "not reachable"]);
});

Deno.test("dashboard conditions: a node that led an earlier term, as its last ping told, is shown as no leader", () => {
  const member = { id: 1, voter: true, reachable: true, role: "Leader", term: 6 };
  const labelIn = (node: Readonly<Record<string, unknown>>) => conditionOf(member, { node, launched: undefined }).label;
  assertEquals(labelIn({ id: 0, leader: 0, term: 7 }), "follower");
  assertEquals(labelIn({ id: 0, leader: null, term: 7 }), "follower");
  assertEquals(labelIn({ id: 0, leader: 1, term: 6 }), "leader");
  // The node shown may not have heard of it yet.
  assertEquals(labelIn({ id: 0, leader: null, term: 6 }), "leader");
});

Deno.test("dashboard conditions: of a node that is away the page says what was last seen, and when", () => {
  const told = JSON.parse('{"match_index":24831,"last_contact_ms":12000}');
  const nothing = JSON.parse('{"match_index":null,"last_contact_ms":null}');
  assertEquals(lastSeenOf(told, { passedMs: 3_000 }), "Last seen at index 24,831, 15 s ago");
  assertEquals(lastSeenOf({ ...told, ...JSON.parse('{"match_index":null}') }, { passedMs: 0 }), "Last heard 12 s ago");
  assertEquals(
    lastSeenOf(nothing, { passedMs: 0 }),
    "Not heard since the node shown here started",
  );
});
