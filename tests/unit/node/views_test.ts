/** What a node tells of the others. */

import { assert, assertEquals } from "@std/assert";
import type { MemberView } from "../../../lib/node/api.ts";
import { memberViews } from "../../../lib/node/views/views.ts";
import { type Index, toIndex, toTerm, toTicks } from "../../../lib/raft/types.ts";
import type { PeerInfo, PeerStatus } from "../../../lib/transport/transport.ts";
import { FakeNode } from "../../support/fake_node.ts";

const STATUS: PeerStatus = {
  role: "Follower",
  term: toTerm(2),
  leaderId: 0,
  commitIndex: toIndex(24_831),
  lastApplied: toIndex(24_831),
  lastDurable: { index: toIndex(24_831), term: toTerm(2) },
  clientAddress: "127.0.0.1:5001",
  httpAddress: "127.0.0.1:8001",
};

/** How a leader of two sees the other one, by what it knows as a leader and by the other's last ping. */
function viewOf(
  { matched, told, reachable }: {
    readonly matched: number;
    readonly told: number | undefined;
    readonly reachable: boolean;
  },
): Pick<MemberView, "matchIndex" | "lag"> | undefined {
  const base = new FakeNode().status();
  const members = [0, 1].map((id) => {
    return { id, address: `127.0.0.1:1500${id}`, clientAddress: `127.0.0.1:500${id}`, identity: "" };
  });
  const index: Index | undefined = told === undefined ? undefined : toIndex(told);
  const peer: PeerInfo = {
    id: 1,
    address: "127.0.0.1:15001",
    reachable,
    lastContact: 900,
    roundTripMs: undefined,
    status: index === undefined ? undefined : { ...STATUS, lastDurable: { index, term: toTerm(2) } },
    lastAnswer: undefined,
    versions: undefined,
    bytesSent: 0,
    bytesReceived: 0,
    framesDropped: 0,
    problem: undefined,
  };
  const progress = [{
    id: 1,
    state: "Probe",
    matchIndex: toIndex(matched),
    nextIndex: toIndex(matched + 1),
    silentTicks: toTicks(0),
  }] as const;
  const configuration = { members, voters: [0, 1], votersOld: [], learners: [] };
  const status = { ...base, peers: [peer], raft: { ...base.raft, configuration, progress } };
  const self = { ...STATUS, role: "Leader", commitIndex: toIndex(24_840) } as const;
  const view = memberViews({ id: 0, self, status }).find((member) => member.id === 1);
  return view === undefined ? undefined : { matchIndex: view.matchIndex, lag: view.lag };
}

Deno.test("views: a new leader does not say of a dead node that its log is empty", () => {
  const index = toIndex(24_831);
  assertEquals(viewOf({ matched: 0, told: 24_831, reachable: false }), { matchIndex: index, lag: 9 });
  assertEquals(viewOf({ matched: 24_831, told: 20_000, reachable: false }), { matchIndex: index, lag: 9 });
});

Deno.test("views: of a node that is reached, the leader's own knowledge counts; of one never heard, nothing is said", () => {
  // Told more than it keeps: the rest of its log is about to be replaced.
  assertEquals(viewOf({ matched: 24_000, told: 24_900, reachable: true }), { matchIndex: toIndex(24_000), lag: 840 });
  assertEquals(viewOf({ matched: 0, told: undefined, reachable: false }), { matchIndex: undefined, lag: undefined });
});

Deno.test("views: who is in quarantine is what each server told of itself last", () => {
  const base = new FakeNode().status();
  const members = [0, 1].map((id) => ({ id, address: `a:${id}`, clientAddress: `c:${id}`, identity: "" }));
  const configuration = { members, voters: [0, 1], votersOld: [], learners: [] };
  const [other] = base.peers;
  assert(other !== undefined);
  const quarantinedOf = (own: Partial<PeerStatus>, told: PeerStatus | undefined) => {
    const peers = [{ ...other, id: 1, status: told }];
    const status = { ...base, peers, raft: { ...base.raft, configuration } };
    return memberViews({ id: 0, self: { ...STATUS, ...own }, status }).map(({ quarantined }) => quarantined);
  };
  assertEquals(quarantinedOf({}, STATUS), [false, false]);
  assertEquals(quarantinedOf({ quarantined: true }, undefined), [true, false]);
  assertEquals(quarantinedOf({}, { ...STATUS, quarantined: true }), [false, true]);
});

Deno.test("views: a server that was not heard in this life is where it told the cluster that it serves HTTP", () => {
  const base = new FakeNode().status();
  const members = [
    { id: 0, address: "a:0", clientAddress: "c:0", identity: "" },
    { id: 1, address: "a:1", clientAddress: "c:1", httpAddress: "h:1", identity: "" },
    { id: 2, address: "a:2", clientAddress: "c:2", identity: "" },
  ];
  const configuration = { members, voters: [0, 1, 2], votersOld: [], learners: [] };
  const status = { ...base, peers: [], raft: { ...base.raft, configuration } };
  const views = memberViews({ id: 0, self: STATUS, status });
  assertEquals(views.map(({ httpAddress }) => httpAddress), ["127.0.0.1:8001", "h:1", ""]);
});
