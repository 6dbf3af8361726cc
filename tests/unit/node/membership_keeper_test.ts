/** Which change of the membership is due, and who is refused at the handshake. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  dueMembershipChange,
  isStranger,
  type MembershipFacts,
  refusalOf,
} from "../../../lib/node/membership/membership_keeper.ts";
import { configurationOf } from "../../../lib/node/options.ts";
import type { PeerProgress, RaftStatus } from "../../../lib/raft/status.ts";
import type { Configuration } from "../../../lib/raft/types.ts";
import { EMPTY_CONFIGURATION, MEMBERS_MAX, toIndex, toTerm, ZERO_ENTRY_ID } from "../../../lib/raft/types.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import { refusalAtLevel } from "../../../lib/node/membership/level.ts";
import type { VersionRange } from "../../../lib/transport/versions.ts";

function configuration(identities: readonly string[]): Configuration {
  return configurationOf(
    identities.map((identity, id) => ({ id, address: `a:${id}`, clientAddress: `c:${id}`, identity })),
  );
}

/** What all programs of these tests speak, where they do not say otherwise. */
const BEFORE: VersionRange = { oldest: 6, newest: 6 };
const NEXT: VersionRange = { oldest: 6, newest: 7 };

function greeting(nodeId: number, identity: string, rejoin = false): Greeting {
  const rest = {
    versions: BEFORE,
    clusterId: "c",
    clusterName: "",
    incarnation: 1,
    membersFingerprint: "",
    clientAddress: "",
    peerAddress: "",
  };
  return { nodeId, identity, rejoin, configurationIndex: 1, ...rest };
}

function facts(change: {
  readonly configuration: Configuration;
  readonly greetings?: readonly Greeting[];
  readonly progress?: readonly PeerProgress[];
  readonly status?: Partial<RaftStatus>;
  readonly joining?: readonly number[];
  readonly caughtUp?: readonly number[];
}): MembershipFacts {
  const status: RaftStatus = {
    id: 0,
    role: "Leader",
    currentTerm: toTerm(2),
    votedFor: 0,
    leaderId: 0,
    commitIndex: toIndex(5_000),
    firstIndex: toIndex(1),
    lastEntry: ZERO_ENTRY_ID,
    lastDurable: ZERO_ENTRY_ID,
    snapshot: ZERO_ENTRY_ID,
    logBytes: 0,
    configuration: change.configuration,
    termCommitted: true,
    progress: change.progress ?? [],
    transferTarget: undefined,
    electionsStarted: 1,
    ...change.status,
  };
  const greetings = new Map((change.greetings ?? []).map((greeting) => [greeting.nodeId, greeting]));
  return {
    self: 0,
    own: { versions: BEFORE, identity: "x0", peerAddress: "", clientAddress: "" },
    status,
    greetings,
    joining: change.joining ?? [],
    caughtUp: new Set(change.caughtUp),
  };
}

Deno.test("where a server serves HTTP is recorded once it says so, and stays known when it does not", () => {
  const told = { ...greeting(1, "x1"), httpAddress: "h:1" };
  const due = dueMembershipChange(facts({ configuration: configuration(["x0", "x1", "x2"]), greetings: [told] }));
  assertEquals(due?.members.map((member) => member.httpAddress), [undefined, "h:1", undefined]);
  const known = { ...configuration(["x0", "x1", "x2"]), members: due?.members ?? [] };
  assertEquals(dueMembershipChange(facts({ configuration: known, greetings: [told] })), undefined);
  assertEquals(dueMembershipChange(facts({ configuration: known, greetings: [greeting(1, "x1")] })), undefined);
});

Deno.test("the leader records the identities it has seen, its own too, and only once", () => {
  const due = dueMembershipChange(
    facts({ configuration: configuration(["", "", ""]), greetings: [greeting(1, "x1")] }),
  );
  assertEquals(due?.members.map((member) => member.identity), ["x0", "x1", ""]);
  assertEquals(due?.voters, [0, 1, 2]);
  assertEquals(dueMembershipChange(facts({ configuration: configuration(["x0", "x1", ""]) })), undefined);
});

Deno.test("the leader records the addresses that members announce, its own too, once, and of their directories only", () => {
  const known = configuration(["x0", "x1", "x2"]);
  const moved = { ...greeting(1, "x1"), peerAddress: "b:1", clientAddress: "d:1" };
  const imposter = { ...greeting(2, "y2"), peerAddress: "b:2", clientAddress: "d:2" };
  const own = { versions: BEFORE, identity: "x0", peerAddress: "b:0", clientAddress: "d:0" };
  const due = dueMembershipChange({ ...facts({ configuration: known, greetings: [moved, imposter] }), own });
  assertEquals(due?.members.map(({ address, clientAddress }) => `${address} ${clientAddress}`), [
    "b:0 d:0",
    "b:1 d:1",
    "a:2 c:2",
  ]);
  assertEquals([due?.voters, due?.learners], [[0, 1, 2], []]);
  const recorded = { ...known, members: due?.members ?? [] };
  assertEquals(dueMembershipChange({ ...facts({ configuration: recorded, greetings: [moved] }), own }), undefined);
});

Deno.test("nobody but a leader with a commit of its term, outside a joint configuration, changes anything", () => {
  const blank = configuration(["", "", ""]);
  const greetings = [greeting(1, "x1")];
  for (const status of [{ role: "Follower" }, { termCommitted: false }] as const) {
    assertEquals(dueMembershipChange(facts({ configuration: blank, greetings, status })), undefined);
  }
  assertEquals(dueMembershipChange(facts({ configuration: { ...blank, votersOld: [0, 1] }, greetings })), undefined);
});

Deno.test("a wiped server becomes a learner under its new identity, and a voter once it has caught up", () => {
  const known = configuration(["x0", "x1", "x2"]);
  const demotion = dueMembershipChange(facts({ configuration: known, greetings: [greeting(2, "y2", true)] }));
  assertEquals([demotion?.voters, demotion?.learners], [[0, 1], [2]]);
  assertEquals(demotion?.members[2]?.identity, "y2");
  const learning: Configuration = { ...configuration(["x0", "x1", "y2"]), voters: [0, 1], learners: [2] };
  const promotion = (wiped: Greeting, caughtUp: readonly number[]) =>
    dueMembershipChange(facts({ configuration: learning, greetings: [wiped], caughtUp }));
  assertEquals(promotion(greeting(2, "y2", true), []), undefined);
  const due = promotion(greeting(2, "y2", true), [2]);
  assertEquals([due?.voters, due?.learners], [[0, 1, 2], []]);
  // What was heard is the word of another directory, or of one that wants no vote.
  assertEquals(promotion(greeting(2, "x2", true), [2])?.voters, [0, 1], "learns again");
  assertEquals(promotion({ ...greeting(2, "x2", true), joins: true }, [2]), undefined);
  assertEquals(promotion({ ...greeting(2, "y2", true), joins: true, staysLearner: true }, [2]), undefined);
});

Deno.test("a server that asks to join becomes a learner, unless its id, its name or its directory is somebody's", () => {
  const known = configuration(["x0", "x1", "x2"]);
  const joiner = (id: number, identity: string): Greeting => ({
    ...greeting(id, identity, true),
    joins: true,
    peerAddress: "b:3",
    clientAddress: "d:3",
    httpAddress: "h:3",
  });
  const due = (greetings: readonly Greeting[], joining: readonly number[], change: Partial<Configuration> = {}) =>
    dueMembershipChange(facts({ configuration: { ...known, level: 7, ...change }, greetings, joining }));
  const added = due([joiner(3, "x3")], [3]);
  assertEquals([added?.voters, added?.learners], [[0, 1, 2], [3]]);
  const member = { id: 3, address: "b:3", clientAddress: "d:3", httpAddress: "h:3", identity: "x3" };
  assertEquals(added?.members.at(-1), member);
  assertEquals(due([joiner(3, "x3")], []), undefined, "it has given up");
  assertEquals(due([joiner(3, "x3")], [3], { level: 6 }), undefined, "before a removal of it could be listed");
  assertEquals(due([joiner(3, "")], [3]), undefined, "a directory without a name");
  assertEquals(due([joiner(3, "x1")], [3]), undefined, "the directory of node 1");
  assertEquals(due([joiner(3, "x3")], [3], { retired: [[2, 4]] }), undefined, "a retired id");
  assertEquals(due([joiner(1, "x3")], []), undefined, "a member's id");
  const members = Array.from({ length: MEMBERS_MAX }, (_, id) => ({ ...member, id, identity: `x${id}` }));
  const full = { members, learners: members.slice(3).map(({ id }) => id) };
  assertEquals(due([joiner(40, "x40")], [40], full), undefined, "no place left");
});

Deno.test("a wiped server that did not ask to be admitted again is left alone, and so is the only voter", () => {
  const known = configuration(["x0", "x1", "x2"]);
  assertEquals(dueMembershipChange(facts({ configuration: known, greetings: [greeting(2, "y2")] })), undefined);
  const only: Configuration = { ...known, voters: [2], learners: [0, 1] };
  assertEquals(dueMembershipChange(facts({ configuration: only, greetings: [greeting(2, "y2", true)] })), undefined);
});

Deno.test("a peer is refused when it is no member or its data directory is another one, with the way out", () => {
  const known = configuration(["x0", "x1", "x2"]);
  const inForce = { configuration: known, index: 5 };
  assertEquals(refusalOf(greeting(1, "x1"), inForce), undefined);
  const unnamed = { configuration: configuration(["", "", ""]), index: 1 };
  assertEquals(refusalOf(greeting(1, "x1"), unnamed), undefined);
  assertStringIncludes(refusalOf(greeting(1, "x1", true), unnamed) ?? "", "waits until the leader has admitted");
  assertEquals(refusalOf(greeting(1, "anything"), { configuration: EMPTY_CONFIGURATION, index: 0 }), undefined);
  assertEquals(refusalOf(greeting(7, "x7"), inForce), "Node 7 is not a member of this cluster");
  assertStringIncludes(refusalOf(greeting(2, "y2"), inForce) ?? "", "--new-identity");
  const waiting = refusalOf(greeting(2, "y2", true), inForce);
  assert(waiting !== undefined);
  assertStringIncludes(waiting, "waits until the leader has admitted");
});

Deno.test("a peer that knows of a later configuration is not refused, but its promises do not count", () => {
  const known = configuration(["x0", "x1", "x2"]);
  const later = { ...greeting(2, "y2"), configurationIndex: 9 };
  assertEquals(refusalOf(later, { configuration: known, index: 5 }), undefined);
  assert(isStranger(later, known));
  assert(isStranger(greeting(2, "y2", true), configuration(["", "", ""])));
  assert(!isStranger(greeting(2, "x2"), known));
  assert(!isStranger(greeting(2, "x2"), configuration(["", "", ""])));
  assert(!isStranger(undefined, known));
});

/** A leader whose program speaks the next version, and greetings of servers 1 and 2 with these versions. */
function upgraded(configuration: Configuration, versions: readonly VersionRange[]): MembershipFacts {
  const greetings = versions.map((range, at) => ({ ...greeting(at + 1, `x${at + 1}`), versions: range }));
  const known = facts({ configuration, greetings });
  return { ...known, own: { ...known.own, versions: NEXT } };
}

Deno.test("the level rises to what every member can, voter or learner, once all have greeted with it, and only once", () => {
  const voters = configuration(["x0", "x1", "x2"]);
  for (const known of [voters, { ...voters, voters: [0, 1], learners: [2] }]) {
    for (const versions of [[], [NEXT], [NEXT, BEFORE], [BEFORE, NEXT]]) {
      assertEquals(dueMembershipChange(upgraded(known, versions)), undefined, JSON.stringify(versions));
    }
    const due = dueMembershipChange(upgraded(known, [NEXT, { oldest: 6, newest: 9 }]));
    const { members, voters, learners } = known;
    assertEquals(due, { members, voters, learners, level: 7 });
    assertEquals(dueMembershipChange(upgraded({ ...known, level: 7 }, [NEXT, NEXT])), undefined);
  }
  // The program of the leader itself is one of the members'.
  assertEquals(
    dueMembershipChange(facts({ configuration: voters, greetings: [greeting(1, "x1"), greeting(2, "x2")] })),
    undefined,
  );
});

Deno.test("identities and the level are recorded in one change", () => {
  const due = dueMembershipChange(upgraded(configuration(["", "", ""]), [NEXT, NEXT]));
  assertEquals([due?.members.map(({ identity }) => identity), due?.level], [["x0", "x1", "x2"], 7]);
});

Deno.test("a program that cannot what is on is refused in one line, and others are not", () => {
  const on = { ...configuration(["x0", "x1", "x2"]), level: 7 };
  const refused = "Node 1 speaks protocol version 6, and version 7 is on in this cluster: upgrade node 1";
  assertEquals(refusalAtLevel(greeting(1, "x1"), on), refused);
  assertEquals(refusalAtLevel({ ...greeting(1, "x1"), versions: NEXT }, on), undefined);
  assertEquals(refusalAtLevel(greeting(1, "x1"), { ...on, level: 6 }), undefined);
  assertEquals(refusalAtLevel(greeting(1, "x1"), configuration(["x0", "x1", "x2"])), undefined);
});
