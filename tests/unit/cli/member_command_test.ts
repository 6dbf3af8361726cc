/** `kvstore member` against a cluster that is an array of members, on ports that answer like a node's. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RUNNERS } from "../../../lib/cli/commands.ts";
import { runProgram } from "../../../lib/cli/run.ts";
import { ADDRESS_FORM } from "../../../lib/node/membership/member_addresses.ts";
import { type AskedRequest, clusterJson, FakeNodePorts } from "./fake_node_ports.ts";
import { fakeSurroundings } from "./support.ts";

interface FakeMember {
  readonly id: number;
  readonly address: string;
  readonly voter: boolean;
}

type Reply = { readonly status: number; readonly json: unknown };

/** Voters 0 to 2, which node 0 leads; it does what it is asked for, unless `says` has something to say first. */
class FakeCluster {
  members: FakeMember[] = [0, 1, 2].map((id) => ({ id, address: `10.0.0.${id + 1}:5000`, voter: true }));
  level = 7;
  /** Whether it lists whom it removes. */
  listed = true;
  says: (line: string) => Reply | undefined = () => undefined;
  /** Called before the members are shown for the `count`th time. */
  looked: (count: number) => void = () => {};
  /** Who cannot be reached. */
  lost: readonly number[] = [2];
  #looks = 0;

  answer({ line, body }: AskedRequest): Reply {
    if (line === "GET /v1/cluster") {
      this.looked(++this.#looks);
      const { level, members } = this;
      return { status: 200, json: clusterJson({ level, members: members.map((one) => this.#json(one)) }) };
    }
    const said = this.says(line);
    if (said !== undefined) return said;
    const { listed } = this;
    return { status: 200, json: { id: this.#change(line, body), ...(line.startsWith("DELETE") ? { listed } : {}) } };
  }

  /** The server 3, as a node that joined by itself. */
  join(voter = false): void {
    this.members.push({ id: 3, address: "10.0.0.4:5000", voter });
  }

  #change(line: string, body: string): number {
    const named = /\d+/.exec(line.slice(line.indexOf("members")))?.[0];
    const id = Number(named ?? JSON.parse(body)["id"] ?? 3);
    if (line.startsWith("DELETE")) this.members = this.members.filter((member) => member.id !== id);
    else if (line.endsWith("promote")) {
      this.members = this.members.map((one) => one.id === id ? { ...one, voter: true } : one);
    } else this.members.push({ id, address: JSON.parse(body)["client_address"], voter: false });
    return id;
  }

  #json({ id, address, voter }: FakeMember): Readonly<Record<string, unknown>> {
    return { id, client_address: address, http_address: "", voter, reachable: !this.lost.includes(id), lag: id };
  }
}

interface Run {
  readonly code: number;
  readonly out: string;
  /** The last line of it, behind what was shown before. */
  readonly last: string;
  readonly err: string;
  /** What was asked for, without looks at the cluster. */
  readonly asked: readonly string[];
}

async function member(cluster: FakeCluster, words: string, ...flags: readonly string[]): Promise<Run> {
  await using node = new FakeNodePorts((request) => cluster.answer(request));
  const surroundings = fakeSurroundings();
  const args = ["member", ...words.split(" "), "--connect", node.clientAddress, "--timeout-ms", "150", ...flags];
  const code = await runProgram(args, { surroundings, runners: RUNNERS });
  const asked = node.asked.filter((line) => line !== "GET /v1/cluster").map((line) =>
    line.replace("/v1/cluster/members", "")
  );
  const out = surroundings.output();
  return { code, out, last: out.trimEnd().split("\n").at(-1) ?? "", err: surroundings.errors(), asked };
}

const ADD_BODY = '{"peer_address":"10.0.0.4:15000","client_address":"10.0.0.4:5000"}';
const passing = (detail: string) => ({
  status: 409,
  json: { code: "unsafe_membership_change", detail, passing: true },
});
const unknown = { status: 504, json: { code: "outcome_unknown", detail: "Not known" } };

Deno.test("member list: for people and for programs, and what member does without a word", async () => {
  const cluster = new FakeCluster();
  cluster.join();
  const { code, out } = await member(cluster, "list");
  assertEquals(code, 0);
  assertEquals(out.split("\n"), [
    "Id  Role     Reachable  Lag  Address",
    "0   leader   yes        0    10.0.0.1:5000",
    "1   voter    yes        1    10.0.0.2:5000",
    "2   voter    no         2    10.0.0.3:5000",
    "3   learner  yes        3    10.0.0.4:5000",
    "",
  ]);
  const { out: json } = await member(cluster, "list", "--json");
  const shown = JSON.parse(json);
  assertEquals([shown.leader, shown.term, shown.members.length], [0, 4, 4]);
});

Deno.test("member: what changes something wants --yes where nobody can be asked, and shows what it would do", async () => {
  const cluster = new FakeCluster();
  cluster.join();
  const cases = [
    ["add 10.0.0.9:5000", "Adds a server at 10.0.0.9:5000 as a learner, which counts in no majority."],
    ["promote 3", "Gives member 3 (10.0.0.4:5000) a vote. Then 4 vote, and 3 are needed."],
    [
      "remove 1",
      "Removes member 1 (10.0.0.2:5000) for good: its id and its directory are never used again. Then 2 vote, and 2 are needed.",
    ],
    ["replace 0 3", "Gives server 3 a vote in the place of member 0, which is then removed for good."],
  ] as const;
  for (const [words, shown] of cases) {
    const { code, out, err, asked } = await member(cluster, words);
    const refusal = "kvstore: This changes the cluster: give --yes where nobody can be asked\n";
    assertEquals([code, out, err], [2, `${shown}\n`, refusal]);
    assertEquals(asked, []);
  }
});

Deno.test("member add, promote, remove: done, and said so", async () => {
  const cluster = new FakeCluster();
  const added = await member(cluster, "add 10.0.0.4:5000", "--yes");
  assertEquals([added.code, added.asked], [0, [`POST  ${ADD_BODY}`]]);
  assertEquals(
    added.last,
    "Server 3 (10.0.0.4:5000) is a learner of the cluster. Start it there: kvstore node --join 10.0.0.1:5000 --node-id 3 " +
      "--host 10.0.0.4 --port 5000",
  );
  const promoted = await member(cluster, "promote 3", "--yes");
  assertEquals([promoted.last, promoted.asked], ["Member 3 (10.0.0.4:5000) has a vote.", ["POST /3/promote"]]);
  const removed = await member(cluster, "remove 0", "--yes", "--json");
  const { id, members } = JSON.parse(removed.out);
  assertEquals([id, members.length, removed.asked], [0, 3, ["DELETE /0"]]);
  const named = await member(cluster, "add 7=h:6000@7000", "--yes");
  assertEquals(named.asked, ['POST  {"id":7,"peer_address":"h:7000","client_address":"h:6000"}']);
  assertStringIncludes(named.out, "--node-id 7 --host h --port 6000 --peer-port 7000");
});

Deno.test("member remove: what the cluster cannot keep in mind is not promised, and what the removal has made it keep is", async () => {
  const cluster = new FakeCluster();
  const kept = await member(cluster, "remove 1", "--yes");
  assertEquals(kept.last, "Member 1 is removed. Its id and its directory are never used again.");
  cluster.level = 6;
  const raised = await member(cluster, "remove 0", "--yes");
  assertEquals(raised.last, "Member 0 is removed. Its id and its directory are never used again.");
  cluster.listed = false;
  const listed = async () => JSON.parse((await member(cluster, "remove 2", "--yes", "--json")).out);
  const { out, last } = await member(cluster, "remove 2", "--yes");
  assertStringIncludes(out, "Removes member 2 (10.0.0.3:5000) for good. Then 0 vote");
  assertStringIncludes(last, "Member 2 is removed. Stop it, and never start it on its directory again");
  assertEquals(Object.entries(await listed()).slice(0, 2), [["id", 2], ["listed", false]]);
  cluster.listed = true;
  assertEquals(Object.entries(await listed()).slice(0, 2), [["id", 2], ["listed", true]]);
});

Deno.test("member: what may pass is asked for again; what is not known as well; in the end the reason is told", async () => {
  for (const reply of [passing("Nothing was begun: wait"), unknown]) {
    const cluster = new FakeCluster();
    let refusals = 2;
    cluster.says = () => refusals-- > 0 ? reply : undefined;
    const { code, asked } = await member(cluster, "remove 1", "--yes");
    assertEquals([code, asked], [0, ["DELETE /1", "DELETE /1", "DELETE /1"]]);
  }
  const late = "kvstore: Not done within 1 ms, and the same command goes on from here. ";
  for (const [reply, exitCode, line] of [[passing("Wait"), 1, "Wait"], [unknown, 6, "Not known"]] as const) {
    const cluster = new FakeCluster();
    cluster.says = () => reply;
    const { code, err } = await member(cluster, "promote 1", "--yes", "--wait-ms", "1");
    assertEquals([code, err], [exitCode, `${late}${line}\n`]);
  }
});

Deno.test("member: what is done is told without a further question, since the node that was asked may be gone", async () => {
  const cluster = new FakeCluster();
  let looks = 0;
  cluster.looked = (count) => looks = count;
  const { code, last } = await member(cluster, "remove 0", "--yes");
  assertEquals([code, last, looks], [0, "Member 0 is removed. Its id and its directory are never used again.", 1]);
});

Deno.test("member: a refusal for good ends with its reason", async () => {
  const cases = [
    [409, { code: "unsafe_membership_change", detail: "Nothing was begun: it is the last voter", passing: false }, 1],
    [503, { code: "no_leader", detail: "No leader is known here" }, 5],
  ] as const;
  for (const [status, json, exitCode] of cases) {
    const cluster = new FakeCluster();
    cluster.says = () => ({ status, json });
    const { code, last, err } = await member(cluster, "remove 1", "--yes");
    assertEquals([code, err], [exitCode, `kvstore: ${json.detail}\n`]);
    assertStringIncludes(last, "Removes member 1 (10.0.0.2:5000) for good");
  }
});

Deno.test("member: a node that does not know the operation is of an older version", async () => {
  const cluster = new FakeCluster();
  cluster.says = () => ({ status: 405, json: { code: "method_not_allowed", detail: "This path takes DELETE" } });
  const { code, err } = await member(cluster, "promote 1", "--yes");
  assertEquals(code, 1);
  assertMatch(
    err,
    /^kvstore: 127\.0\.0\.1:\d+ runs an older program, which cannot do this; --connect names other nodes\n$/,
  );
});

Deno.test("member: of what there is not people are told what there is", async () => {
  const cluster = new FakeCluster();
  cluster.says = () => ({ status: 404, json: { code: "not_a_member", detail: "There is no such member" } });
  for (const words of ["remove 7", "promote 7", "drain 7", "undrain 7"]) {
    const { code, err } = await member(cluster, words, "--yes");
    assertEquals([code, err], [1, "kvstore: There is no member 7; the members are 0, 1, 2\n"]);
  }
  // As a leader of the version before says it.
  cluster.says = () => ({ status: 200, json: { members: [] } });
  assertEquals((await member(cluster, "remove 1", "--yes")).code, 0);
  cluster.says = () => ({ status: 200, json: { id: 1 } });
  const again = await member(cluster, "add 10.0.0.2:5000", "--yes");
  assertEquals([again.code, again.last], [0, "Server 1 (10.0.0.2:5000) is a member already, and has a vote."]);
});

Deno.test("member add: the line to paste names no leader whose address means something to a shell", async () => {
  for (const address of ["$(x):5000", "a;b:5000", "`x`:5000"]) {
    const cluster = new FakeCluster();
    cluster.members = cluster.members.map((one) => one.id === 0 ? { ...one, address } : one);
    const { code, out, err } = await member(cluster, "add 10.0.0.4:5000", "--yes");
    assertEquals(code, 0);
    assertStringIncludes(out, "Start it there: kvstore node --join HOST:PORT --node-id 3 --host 10.0.0.4 --port 5000");
    assertEquals(`${out}${err}`.includes(address), false, address);
  }
});

Deno.test("member: what does not fit is refused before anybody is asked, with what would", async () => {
  const form = "write a port (5001), host:port (10.0.0.2:5000) or id=host:port[@peerport] (1=10.0.0.2:5000@15000)";
  const ids = "kvstore member list shows the ids";
  const cases = [
    ["lst", 'member takes one of list, add, promote, remove, replace, move, drain, undrain, not "lst"'],
    ["toString 1", 'member takes one of list, add, promote, remove, replace, move, drain, undrain, not "toString"'],
    ["remove", '"remove" does not fit; use kvstore member remove ID'],
    ["list 3", '"list 3" does not fit; use kvstore member [list]'],
    ["drain 1 2", '"drain 1 2" does not fit; use kvstore member drain ID'],
    ["remove x", `A node's id is a whole number up to 2147483647, not "x"; ${ids}`],
    ["promote 2147483648", `A node's id is a whole number up to 2147483647, not "2147483648"; ${ids}`],
    ["add", '"add" does not fit; use kvstore member add [ID=]HOST:PORT[@PEERPORT]'],
    ["replace 1 host", `The command has the entry "host"; ${form}`],
    ["add foo", `The command has the entry "foo"; ${form}`],
    ["add $(x):5000", `"$(x):5000" does not fit: ${ADDRESS_FORM}`],
    ["replace 1 a;b:5000", `"a;b:5000" does not fit: ${ADDRESS_FORM}`],
    ["move 1 `x`:5000", `"\`x\`:5000" does not fit: ${ADDRESS_FORM}`],
    ["move 1 h:70000", `The command has the entry "h:70000"; ${form}`],
  ];
  for (const [words = "", line] of cases) {
    const { code, err, asked } = await member(new FakeCluster(), words, "--yes");
    assertEquals([code, err, asked], [2, `kvstore: ${line}\n`, []]);
  }
});

Deno.test("member replace: a server that is added by it, one that joins meanwhile, and one that is there", async () => {
  const fresh = await member(new FakeCluster(), "replace 0 10.0.0.4:5000", "--yes");
  assertEquals(fresh.asked, [`POST  ${ADD_BODY}`, "POST /3/promote", "DELETE /0"]);
  assertEquals([fresh.code, fresh.last], [0, "Member 3 has a vote in the place of 0, which is removed."]);
  assertStringIncludes(fresh.err, "Start it there: kvstore node --join 10.0.0.1:5000 --node-id 3");
  for (const words of ["replace 0 3", "replace 0 3", "replace 0 10.0.0.4:5000"]) {
    const cluster = new FakeCluster();
    if (words.endsWith("5000")) cluster.join();
    else cluster.looked = (count) => count === 3 ? cluster.join() : undefined;
    const { code, asked } = await member(cluster, words, "--yes");
    assertEquals([code, asked], [0, ["POST /3/promote", "DELETE /0"]]);
  }
});

Deno.test("member replace: goes on wherever an earlier one ended, and changes nothing where all is done", async () => {
  // Killed before each of its steps: what was asked for is what the rest consists of.
  for (let step = 0; step <= 3; step++) {
    for (const replacement of ["3", "10.0.0.4:5000"]) {
      const cluster = new FakeCluster();
      if (step > 0) cluster.join(step > 1);
      else if (replacement === "3") cluster.looked = (count) => count === 2 ? cluster.join() : undefined;
      if (step > 2) cluster.members = cluster.members.filter(({ id }) => id !== 0);
      const { code, last } = await member(cluster, `replace 0 ${replacement}`, "--yes");
      assertEquals(
        [code, last],
        [0, "Member 3 has a vote in the place of 0, which is removed."],
        `${step}, ${replacement}`,
      );
      assertEquals(cluster.members.map(({ id, voter }) => [id, voter]), [[1, true], [2, true], [3, true]]);
    }
  }
});

Deno.test("member replace: refused before anything is asked for", async () => {
  const cluster = new FakeCluster();
  cluster.join();
  const absent = await member(cluster, "replace 7 3", "--yes");
  assertEquals([absent.code, absent.asked], [1, []]);
  assertEquals(absent.err, "kvstore: There is no member 7; the members are 0, 1, 2, 3\n");
  assertEquals((await member(cluster, "replace 1 1", "--yes")).code, 2);
  const late = await member(new FakeCluster(), "replace 0 9", "--yes", "--wait-ms", "1");
  assertEquals([late.code, late.asked], [1, []]);
  assertStringIncludes(late.err, "Server 9 is no member yet: start it with kvstore node --join, or add it first");
});

Deno.test("member move: says what to do, and waits until the member is heard there", async () => {
  const cluster = new FakeCluster();
  cluster.lost = [];
  cluster.looked = (count) => {
    if (count === 3) {
      cluster.members = cluster.members.map((one) => one.id === 1 ? { ...one, address: "10.0.0.9:6000" } : one);
    }
  };
  const { code, out, err, asked } = await member(cluster, "move 1 10.0.0.9:6000");
  assertEquals([code, out, asked], [0, "Member 1 is at 10.0.0.9:6000.\n", []]);
  assertStringIncludes(
    err,
    "Stop node 1, and start it with the same directory: kvstore node --node-id 1 --host 10.0.0.9 --port 6000",
  );
  const again = await member(cluster, "move 1 10.0.0.9:6000");
  assertEquals([again.code, again.err], [0, ""]);
  const cases = [
    ["move 0 10.0.0.9:6000", "10.0.0.9:6000 is the address of member 1; a member needs one of its own"],
    ["move 8 10.0.0.9:6000", "There is no member 8; the members are 0, 1, 2"],
  ] as const;
  for (const [words, line] of cases) assertEquals((await member(cluster, words)).err, `kvstore: ${line}\n`);
  const late = await member(cluster, "move 0 h:1000", "--wait-ms", "1");
  assertEquals(late.code, 1);
  assertStringIncludes(late.err, "Member 0 is not heard at h:1000 yet");
});

Deno.test("member move: a node that the others need is not to be stopped, and one that is down is moved", async () => {
  const cluster = new FakeCluster();
  const held = await member(cluster, "move 1 10.0.0.9:6000", "--wait-ms", "1");
  const reason = "without member 1 the voters that answer are less than the 2 that are needed: start 2 again first";
  assertEquals([held.code, held.out, held.asked], [1, "", []]);
  assertEquals(held.err, `kvstore: Nothing was begun: ${reason}, or remove what is lost for good\n`);
  for (const [words, lost] of [["move 2 h:1000", [2]], ["move 3 h:1000", [2]], ["move 1 h:1000", []]] as const) {
    const other = new FakeCluster();
    other.join();
    other.lost = lost;
    const { err } = await member(other, words, "--wait-ms", "1");
    assertStringIncludes(err, `Member ${words.slice(5, 6)} is not heard at h:1000 yet`);
  }
});

Deno.test("member move: of one or two voters each is needed, and it is said that the cluster stands still meanwhile", async () => {
  const move = async (members: FakeCluster["members"], lost: readonly number[] = []) => {
    const cluster = new FakeCluster();
    [cluster.members, cluster.lost] = [members, lost];
    const { code, err } = await member(cluster, "move 1 h:1000", "--wait-ms", "1");
    assertEquals(code, 1);
    assertStringIncludes(err, "Member 1 is not heard at h:1000 yet");
    return /^Reads and writes wait.*$/m.exec(err)?.[0];
  };
  const voters = (...ids: readonly number[]) => ids.map((id) => ({ id, address: `10.0.0.${id}:5000`, voter: true }));
  const learner = { id: 1, address: "10.0.0.1:5000", voter: false };
  const begin = "Reads and writes wait while node 1 is stopped:";
  assertEquals(await move(voters(1)), `${begin} it is the only voter. Nothing is lost.`);
  assertEquals(await move(voters(0, 1)), `${begin} all 2 voters are needed. Nothing is lost.`);
  // Nothing changes by what is down, is a learner, or is one of three.
  assertEquals(await move(voters(0, 1), [1]), undefined);
  assertEquals(await move([...voters(0, 2), learner]), undefined);
  assertEquals(await move(voters(0, 1, 2)), undefined);
});
