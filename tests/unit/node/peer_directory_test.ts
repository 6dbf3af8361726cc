/** Whom a node takes and whom it leaves, by what they say of themselves. */

import { assertEquals } from "@std/assert";
import { configurationOf } from "../../../lib/node/options.ts";
import { JOINS_FRESH_MS } from "../../../lib/node/limits.ts";
import { PeerDirectory } from "../../../lib/node/membership/peer_directory.ts";
import { DEFAULT_RAFT_LIMITS } from "../../../lib/raft/limits.ts";
import { RaftNode } from "../../../lib/raft/raft_node.ts";
import { type Configuration, MEMBERS_MAX, toTerm, toTicks } from "../../../lib/raft/types.ts";
import { MemoryNetwork } from "../../support/memory/memory_transport.ts";
import type { Greeting, Transport } from "../../../lib/transport/transport.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { acknowledge, leaderOf } from "../../paper/support.ts";
import { Effects } from "../../support/raft/effects.ts";
import { RaftServer } from "../../support/raft/server.ts";
import { greetingOf } from "../transport/support.ts";

const MEMBERS = [0, 1, 2].map((id) => ({ id, address: `host${id}:1`, clientAddress: `host${id}:2`, identity: "" }));

/** A directory of node 0, whom it told its transport to leave, and its own greeting, which a test may change. */
function makeDirectory(
  initialConfiguration: Configuration,
  own: Greeting,
): { directory: PeerDirectory; left: number[]; transport: Transport; dialed(): readonly number[] } {
  const raft = new RaftNode({
    id: 0,
    initialConfiguration,
    hardState: { currentTerm: toTerm(0), votedFor: undefined },
    snapshot: undefined,
    runs: [],
    incarnation: 1,
    drawElectionTimeout: () => toTicks(100),
    drawDisconnectDelay: () => toTicks(1),
    limits: DEFAULT_RAFT_LIMITS,
  });
  const left: number[] = [];
  const inner = new MemoryNetwork({ clock: new VirtualClock() }).connect(0);
  const transport: Transport = Object.assign(inner, { reset: (peer: number) => void left.push(peer) });
  return {
    directory: new PeerDirectory({
      self: 0,
      raft,
      transport,
      greeting: own,
      clock: new VirtualClock(),
      named: MEMBERS,
    }),
    left,
    transport,
    dialed: () => transport.peers().map(({ id }) => id),
  };
}

Deno.test("a node that has learned its cluster's id leaves the nodes of others that it had met before", () => {
  const own = { ...greetingOf(0), clusterId: "" };
  const { directory, left } = makeDirectory(configurationOf(MEMBERS), own);
  directory.admit(greetingOf(1, { clusterId: "ours" }));
  directory.admit(greetingOf(2, { clusterId: "theirs" }));
  directory.leaveOtherClusters();
  assertEquals(left, []);
  own.clusterId = "ours";
  directory.leaveOtherClusters();
  directory.leaveOtherClusters();
  assertEquals(left, [2]);
});

Deno.test("who greets from where another member was is itself: neither its word nor its address is taken for the other's", () => {
  const members = MEMBERS.map((member) => ({ ...member, identity: `directory ${member.id}` }));
  const { directory, transport } = makeDirectory(configurationOf(members), greetingOf(0));
  const dialed = () => transport.peers().map(({ id, address }) => `${id}=${address}`);
  directory.configurationInForce();
  assertEquals(dialed(), ["1=host1:1", "2=host2:1"]);
  const moved = (id: number, peerAddress: string) => greetingOf(id, { identity: `directory ${id}`, peerAddress });
  assertEquals(directory.admit(moved(2, "host1:1")), undefined);
  assertEquals(dialed(), ["1=host1:1", "2=host1:1"]);
  assertEquals([1, 2].map((id) => directory.isStranger(id)), [false, false]);
  assertEquals(directory.admit(moved(1, "host2:1")), undefined);
  assertEquals(dialed(), ["1=host2:1", "2=host1:1"]);
  assertEquals([1, 2].map((id) => directory.isStranger(id)), [false, false]);
  // Another directory at the same place is another one.
  const refusal = directory.admit(greetingOf(1, { identity: "directory 2", peerAddress: "host2:1" }));
  assertEquals(refusal?.reason.startsWith("Node 1 is known with another data directory"), true);
});

Deno.test("a leader promises each new directory an id of its own, the same however often it asks, and a follower none", () => {
  const transport = new MemoryNetwork({ clock: new VirtualClock() }).connect(1);
  const directoryOn = ({ node: raft }: RaftServer) =>
    new PeerDirectory({ self: 1, raft, transport, greeting: greetingOf(1), clock: new VirtualClock(), named: [] });
  const server = leaderOf({ configuration: { ...configurationOf(MEMBERS), retired: [[3, 4]] } });
  const directory = directoryOn(server);
  const ask = (identity: string) => directory.acquaint(greetingOf(0, { identity }), true).assignedId;
  assertEquals(["a", "b", "a", "b", "c"].map(ask), [5, 6, 5, 6, 7]);
  // One that came with an id of its own has it.
  directory.admit(greetingOf(8, { identity: "d", rejoin: true, joins: true }));
  assertEquals(ask("e"), 9);
  const follower = directoryOn(new RaftServer({ configuration: configurationOf(MEMBERS) }));
  const { members, assignedId } = follower.acquaint(greetingOf(0, { identity: "f" }), true);
  assertEquals([members.map(({ id }) => id).sort(), assignedId], [[0, 1, 2], undefined]);
});

Deno.test("a level is not raised if a member has come back with a program that cannot, by the last greeting of each", () => {
  const { directory } = makeDirectory(configurationOf(MEMBERS), greetingOf(0));
  const [now, before] = [{ oldest: 6, newest: 7 }, { oldest: 6, newest: 6 }];
  directory.admit(greetingOf(1, { versions: now }));
  const without2 = MEMBERS.slice(0, 2);
  const can = (...levels: readonly number[]) => levels.map((level) => directory.canAll({ level, members: MEMBERS }));
  assertEquals([can(7), directory.canAll({ members: MEMBERS })], [[false], true]);
  // A server that goes with that very change holds nothing back unless it was heard: then it may be needed for the change.
  assertEquals(directory.canAll({ level: 7, members: without2 }), true);
  directory.admit(greetingOf(2, { versions: now }));
  assertEquals(can(7, 8), [true, false]);
  directory.admit(greetingOf(2, { versions: before }));
  assertEquals([can(7), directory.canAll({ members: MEMBERS })], [[false], true]);
  assertEquals(directory.canAll({ level: 7, members: without2 }), false);
});

Deno.test("a program that cannot what is on is told so whatever it asks for, and is noted nowhere", () => {
  const on = { ...configurationOf(MEMBERS), level: 7 };
  const { directory } = makeDirectory(on, greetingOf(0));
  const old = { versions: { oldest: 6, newest: 6 }, rejoin: true };
  const refused = (id: number) =>
    `Node ${id} speaks protocol version 6, and version 7 is on in this cluster: upgrade node ${id}`;
  for (const greeting of [greetingOf(1, old), greetingOf(7, { ...old, joins: true })]) {
    const { nodeId } = greeting;
    assertEquals(directory.admit(greeting), { reason: refused(nodeId), removed: false });
    assertEquals(directory.acquaint(greeting, false).objection, refused(nodeId));
    assertEquals(directory.anyPeer, undefined);
  }
  assertEquals(directory.admit(greetingOf(1)), undefined);
  assertEquals(directory.anyPeer, 1);
});

Deno.test("a server is told that it was removed once that is committed, and before it is refused alone", () => {
  const transport = new MemoryNetwork({ clock: new VirtualClock() }).connect(1);
  const configuration = { ...configurationOf(MEMBERS), retired: [[3, 3]] as const };
  const { node: raft } = leaderOf({ configuration });
  const parts = { self: 1, raft, transport, greeting: greetingOf(1), clock: new VirtualClock(), named: [] };
  const directory = new PeerDirectory(parts);
  const reason = "Node 3 was removed from this cluster";
  assertEquals(directory.admit(greetingOf(3)), { reason, removed: false });
  directory.configurationCommitted(configuration);
  assertEquals(directory.admit(greetingOf(3)), { reason, removed: true });
});

Deno.test("who claims the id of a member to join under it does not take the member's address either", () => {
  const transport = new MemoryNetwork({ clock: new VirtualClock() }).connect(1);
  const members = MEMBERS.map((member) => ({ ...member, identity: `x${member.id}` }));
  const { node: raft } = leaderOf({ configuration: configurationOf(members) });
  const parts = { self: 1, raft, transport, greeting: greetingOf(1), clock: new VirtualClock(), named: [] };
  const directory = new PeerDirectory(parts);
  const addressOf2 = () => directory.acquaint(greetingOf(9), true).members.find(({ id }) => id === 2)?.address;
  assertEquals(directory.admit(greetingOf(2, { identity: "x2", peerAddress: "there:2" })), undefined);
  assertEquals(addressOf2(), "there:2");
  const claim = { identity: "y2", peerAddress: "elsewhere:2", rejoin: true, joins: true };
  assertEquals(directory.admit(greetingOf(2, claim))?.removed, false);
  assertEquals(addressOf2(), "there:2");
});

Deno.test("of a server that asked to join and gave up nothing is kept", async () => {
  const clock = new VirtualClock();
  const transport = new MemoryNetwork({ clock }).connect(1);
  const { node: raft } = leaderOf({ configuration: configurationOf(MEMBERS) });
  const directory = new PeerDirectory({ self: 1, raft, transport, greeting: greetingOf(1), clock, named: [] });
  directory.admit(greetingOf(9, { rejoin: true, joins: true }));
  assertEquals(directory.anyPeer, 9);
  await clock.advance(JOINS_FRESH_MS + 1);
  directory.dueChange(raft.status());
  assertEquals(directory.anyPeer, undefined);
});

Deno.test("a server that was named or told of, and is no member, is added when it asks to join", () => {
  const transport = new MemoryNetwork({ clock: new VirtualClock() }).connect(1);
  const { node: raft } = leaderOf({ configuration: { ...configurationOf(MEMBERS), level: 7 } });
  const named = [...MEMBERS, { id: 8, address: "host8:1", clientAddress: "", identity: "" }];
  const parts = { self: 1, raft, transport, greeting: greetingOf(1), clock: new VirtualClock(), named };
  const directory = new PeerDirectory(parts);
  directory.acquainted(greetingOf(0), [{ id: 9, address: "host9:1" }]);
  for (const id of [8, 9]) {
    const joiner = greetingOf(id, { identity: `y${id}`, rejoin: true, joins: true });
    assertEquals(directory.admit(joiner)?.reason, `Node ${id} waits until the leader has added it`);
  }
  assertEquals(directory.dueChange({ ...raft.status(), termCommitted: true })?.learners, [8]);
});

Deno.test("who knows of a later configuration is taken, at most as many as there may be members, until this server knows as much", () => {
  const transport = new MemoryNetwork({ clock: new VirtualClock() }).connect(1);
  const server = leaderOf({ configuration: configurationOf(MEMBERS) });
  const parts = {
    self: 1,
    raft: server.node,
    transport,
    greeting: greetingOf(1),
    clock: new VirtualClock(),
    named: [],
  };
  const directory = new PeerDirectory(parts);
  directory.configurationInForce();
  const dialed = () => transport.peers().map(({ id }) => id);
  const { configurationIndex } = server.node;
  directory.admit(greetingOf(7, { configurationIndex }));
  // One that has only asked to join is not dialed; once it knows more, it is, from the same place.
  directory.admit(greetingOf(9, { configurationIndex: 0, rejoin: true, joins: true }));
  assertEquals(dialed(), [0, 2]);
  directory.admit(greetingOf(9, { configurationIndex: configurationIndex + 1, joins: true }));
  assertEquals(dialed(), [0, 2, 9]);
  for (let id = 10; id < 10 + MEMBERS_MAX; id++) {
    assertEquals(
      directory.admit(greetingOf(id, { configurationIndex: configurationIndex + 1, joins: true })),
      undefined,
    );
  }
  assertEquals(dialed(), [0, 2, ...Array.from({ length: MEMBERS_MAX }, (_, at) => at + 9)]);
  const change = server.change([0, 1], [2]);
  assertEquals(server.node.configurationIndex > configurationIndex, true);
  directory.configurationInForce();
  assertEquals(
    dialed().length,
    2 + MEMBERS_MAX,
    "a leader that was cut off knows as much, and others have decided otherwise",
  );
  acknowledge(server, new Effects([change, server.persist()]));
  directory.configurationCommitted(server.node.configuration);
  assertEquals(dialed(), [0, 2]);
});

Deno.test("who knows of a later configuration and turns out to be of another cluster is left", () => {
  const own = { ...greetingOf(0), clusterId: "" };
  const { directory, left, dialed } = makeDirectory(configurationOf(MEMBERS), own);
  directory.admit(greetingOf(7, { clusterId: "theirs", configurationIndex: 9 }));
  assertEquals(dialed(), [1, 2, 7]);
  own.clusterId = "ours";
  directory.leaveOtherClusters();
  assertEquals([left, dialed()], [[7], [1, 2]]);
});
