/** Changes of the membership on a node that does not lead: the leader is asked over HTTP, and its answer read. */

import { assertEquals } from "@std/assert";
import { changeMemberAnywhere, type MemberAsker } from "../../../lib/http/member_proxy.ts";
import type { MemberChange, MemberChangeOutcome, MemberView } from "../../../lib/node/api.ts";
import { LEADER_TOO_OLD } from "../../../lib/node/membership/change_texts.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import { gateOf } from "../../support/gate.ts";
import { FakeNode } from "../../support/fake_node.ts";

/** A follower of node 1, whose HTTP is at `address`; "" where it has said none. */
class FollowerOf extends FakeNode {
  override leaderId = 1;

  constructor(readonly address: string) {
    super();
  }

  override members(): readonly MemberView[] {
    return super.members().map((member) => member.id === 1 ? { ...member, httpAddress: this.address } : member);
  }
}

/** What comes of a change when the leader answers so, and what it was asked. */
async function changeBy(
  change: MemberChange,
  answer: readonly [status: number, body: string] | "Break",
): Promise<readonly [MemberChangeOutcome, string]> {
  let asked = "";
  const leader = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() },
    async (request) => {
      asked = `${request.method} ${new URL(request.url).pathname} ${
        request.headers.get("x-kv-forwarded")
      } ${await request.text()}`;
      // An answer that is none: the connection tells no status.
      if (answer === "Break") return new Response(null, { status: 599 });
      return new Response(answer[1], { status: answer[0] });
    },
  );
  const node = new FollowerOf(`127.0.0.1:${leader.addr.port}`);
  const outcome = await changeMemberAnywhere(askerOf(node), change);
  await leader.shutdown();
  return [outcome, asked];
}

/** Nobody has to log in. */
function askerOf(node: FakeNode): MemberAsker {
  const clock = new SystemClock();
  return { node, clock, log: () => {}, gate: gateOf(node, clock), login: undefined };
}

const REMOVE = { type: "Remove", id: 2 } as const;

Deno.test("each change is asked of the leader as HTTP has it, as one that was passed on", async () => {
  const added = { peerAddress: "h:15000", clientAddress: "h:5000" };
  const body = '{"peer_address":"h:15000","client_address":"h:5000"}';
  const cases: readonly (readonly [MemberChange, string])[] = [
    [REMOVE, "DELETE /v1/cluster/members/2 0 "],
    [{ type: "Promote", id: 2 }, "POST /v1/cluster/members/2/promote 0 "],
    [{ type: "Add", ...added }, `POST /v1/cluster/members 0 ${body}`],
    [
      { type: "Add", id: 4, ...added, httpAddress: "h:8000" },
      `POST /v1/cluster/members 0 {"id":4,${body.slice(1, -1)},"http_address":"h:8000"}`,
    ],
  ];
  for (const [change, line] of cases) {
    assertEquals(await changeBy(change, [200, '{"id":4,"members":[]}']), [{ type: "Done", id: 4 }, line]);
  }
});

Deno.test("the leader's answer is the outcome; one that cannot be read leaves it unknown", async () => {
  const unsafe = (passing: boolean) =>
    JSON.stringify({ code: "unsafe_membership_change", detail: "Nothing was begun: it is the last voter", passing });
  const cases: readonly (readonly [readonly [number, string] | "Break", MemberChangeOutcome])[] = [
    [[403, "{}"], {
      type: "Unsafe",
      reason: "the right admin is missing: whoever asks is no administrator",
      passing: false,
    }],
    [[404, "{}"], { type: "NotAMember" }],
    [[409, unsafe(false)], { type: "Unsafe", reason: "it is the last voter", passing: false }],
    [[409, unsafe(true)], { type: "Unsafe", reason: "it is the last voter", passing: true }],
    [[405, "{}"], { type: "Unsafe", reason: LEADER_TOO_OLD, passing: false }],
    [[200, '{"members":[]}'], { type: "Done", id: 2 }],
    [[503, "{}"], { type: "NotLeader" }],
    [[504, "{}"], { type: "Unknown" }],
    [[200, "hello"], { type: "Unknown" }],
    [[200, "[]"], { type: "Unknown" }],
    [[409, "{}"], { type: "Unknown" }],
    ["Break", { type: "Unknown" }],
  ];
  for (const [answer, outcome] of cases) assertEquals((await changeBy(REMOVE, answer))[0], outcome);
});

Deno.test("a node that leads does it itself; without a leader's address, or one that does not answer, nothing is claimed", async () => {
  const node = new FakeNode();
  node.changeOutcome = { type: "Done", id: 2 };
  assertEquals(await changeMemberAnywhere(askerOf(node), REMOVE), { type: "Done", id: 2 });
  const lost = askerOf(new FollowerOf(""));
  assertEquals(await changeMemberAnywhere(lost, REMOVE), { type: "NotLeader" });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const silent = askerOf(new FollowerOf(`127.0.0.1:${listener.addr.port}`));
  assertEquals(await changeMemberAnywhere(silent, REMOVE), { type: "Unknown" });
});
