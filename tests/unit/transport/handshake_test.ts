/** Who is let in by the handshake, who is not, and what each of them learns. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  decodeChallenge,
  decodeRefused,
  decodeStatement,
  encodeChallenge,
  encodeProof,
  encodeRefused,
  encodeWelcome,
  type Introduction,
  sayIntroduction,
} from "../../../lib/transport/control.ts";
import { encodeMessage } from "../../../lib/transport/codec.ts";
import type { Connection } from "../../../lib/transport/connection.ts";
import { acceptorKeys, freshNonce, proveAcceptor, proveDialer } from "../../../lib/transport/credentials.ts";
import {
  closeQuietly,
  greetingOf,
  join,
  numbered,
  rawDial,
  TEST_SECRET,
  type TestNode,
  withNodes,
  withRawListener,
} from "./support.ts";
import { describeDisagreement, SPOKEN_VERSIONS, type VersionRange } from "../../../lib/transport/versions.ts";
import { until } from "../../support/wait.ts";
import { drain, withTarget } from "./target.ts";

/** What only a later program speaks. */
const NEXT: VersionRange = { oldest: 9, newest: 9 };

/** Answers the challenge of a node with what `proofOf` makes of it, and returns the reason for which it is refused. */
async function refusalOf(node: TestNode, proofOf: (challenge: string) => string): Promise<string | undefined> {
  const { connection } = await rawDial(node);
  const first = await connection.receive();
  const challenge = first === undefined ? undefined : decodeChallenge(first.fields);
  assert(challenge !== undefined, "the node says a challenge first");
  connection.append(proofOf(challenge));
  connection.flush();
  const answer = await connection.receive();
  closeQuietly(connection);
  return answer === undefined ? undefined : decodeRefused(answer.fields);
}

/** The Proof of somebody who has the secret, or another one. */
function proofOf(introduction: Partial<Introduction>, secret = TEST_SECRET): (challenge: string) => string {
  const said = sayIntroduction({
    greeting: greetingOf(0),
    nonce: freshNonce(),
    to: 1,
    ...introduction,
  });
  return (challenge) => encodeProof({ said, proof: proveDialer({ secret, challenge, dialerSaid: said }) });
}

Deno.test("a peer that has proved itself and does not fit is refused with a reason", async () => {
  await withTarget({}, async (node) => {
    const cases: readonly (readonly [Partial<Introduction>, RegExp])[] = [
      [{ greeting: greetingOf(0, { versions: NEXT }) }, /node 1 speaks protocol versions 6 to 8, its peer version 9/],
      [{ greeting: greetingOf(0, { clusterId: "other" }) }, /belongs to cluster "other"/],
      [{ greeting: greetingOf(1) }, /both nodes have the id 1/],
      [{ greeting: greetingOf(9) }, /knows no node 9/],
      [{ to: 2 }, /expects node 2 at this address/],
      [{ greeting: greetingOf(0, { membersFingerprint: "x" }) }, /disagree about the ids and addresses/],
    ];
    for (const [changes, reason] of cases) assertMatch(await refusalOf(node, proofOf(changes)) ?? "", reason);
    assertMatch(node.peer(0).problem ?? "", /disagree/);
    // Whether a node that it does not know is to be added is the handler's business.
    assertEquals(node.recorder.greetings.map(({ nodeId }) => nodeId), [9]);
    assertEquals(node.recorder.events, []);
    assert(node.log.some((line) => line.startsWith("warn") && line.includes("Refused a connection")));
  });
});

/** An acceptor of the next versions of the protocol, which either refuses at once or lets the dialer judge. */
async function acceptAsNextVersion(connection: Connection, refuses: boolean): Promise<string | undefined> {
  const challenge = freshNonce();
  const say = (header: string): void => {
    connection.append(header);
    connection.flush();
  };
  say(encodeChallenge(challenge));
  const first = await connection.receive();
  const statement = first === undefined ? undefined : decodeStatement(first.fields, "Proof");
  if (statement === undefined) return undefined;
  if (refuses) {
    say(encodeRefused(describeDisagreement({ nodeId: 0, versions: NEXT }, SPOKEN_VERSIONS)));
    return undefined;
  }
  const acceptorSaid = JSON.stringify({ version: NEXT.oldest, newest: NEXT.newest, whatever: "the next version says" });
  const proven = { secret: TEST_SECRET, challenge, dialerSaid: statement.said };
  say(encodeWelcome({ said: acceptorSaid, proof: proveAcceptor({ ...proven, acceptorSaid }) }));
  connection.trust(acceptorKeys(proven));
  const answer = await connection.receive();
  return answer === undefined ? undefined : decodeRefused(answer.fields);
}

Deno.test("nodes that share no protocol version refuse each other, whoever dials, and both are told the versions and whom to upgrade", async () => {
  const said = "node 1 speaks protocol versions 6 to 8, its peer version 9: upgrade node 1";
  await withTarget({ backoffMsMin: 10, backoffMsMax: 10 }, async (node) => {
    // The next version dials.
    assertEquals(await refusalOf(node, proofOf({ greeting: greetingOf(0, { versions: NEXT }) })), said);
    const warned = `warn Refused a connection: ${said}`;
    await until(() => node.log.some((line) => line.startsWith(warned)), "the refusal is in the log");
    // The next version is dialled, and judges first or last.
    for (const refuses of [true, false]) {
      const answers: (string | undefined)[] = [];
      const serve = async (connection: Connection) => void answers.push(await acceptAsNextVersion(connection, refuses));
      await withRawListener(serve, async (address) => {
        node.follow({ id: 0, address });
        const problem = refuses ? "node 0 speaks protocol version 9, its peer versions 6 to 8: upgrade the peer" : said;
        await until(() => node.peer(0).problem === problem, problem);
        await until(() => answers.length > 0, "the other side has heard the end");
        if (!refuses) assertEquals(answers[0], problem);
        assertEquals([node.peer(0).reachable, node.peer(0).versions], [false, undefined]);
      });
    }
    assertEquals([node.recorder.greetings, node.recorder.messages], [[], []]);
  });
});

Deno.test("a dialer learns the cluster of the node it meant, also when that one refuses it; of no other node, and only with the secret", async () => {
  const newNode = { greeting: { clusterId: "" } };
  await withNodes([newNode, {}], async (zero, one) => {
    one.recorder.judge = () => "known with another directory";
    one.follow(zero);
    zero.follow(one);
    await until(() => zero.recorder.refusals.size > 0, "the dialer is told");
    assertEquals([...zero.recorder.refusals], ["1 of test"]);
  });
  const strangers = [
    { greeting: { clusterId: "", membersFingerprint: "of another list" } },
    { greeting: { clusterId: "", clusterName: "another" } },
    { greeting: { clusterId: "" }, secret: "a guess at the secret of all" },
  ];
  for (const stranger of strangers) {
    await withNodes([stranger, { greeting: { clusterName: "ours" } }], async (zero, one) => {
      one.recorder.judge = () => "known with another directory";
      zero.follow(one);
      await until(() => zero.peer(1).problem !== undefined, "the dialer is refused");
      assertEquals([...zero.recorder.refusals], []);
    });
  }
});

Deno.test("who has not proved that it has the secret learns a nonce and nothing else, whatever it says", async () => {
  await withTarget({}, async (node) => {
    const told = new Set<string | undefined>();
    const other = { greeting: greetingOf(0, { versions: NEXT }) };
    for (const changes of [{}, other, { greeting: greetingOf(9) }, { to: 2 }]) {
      told.add(await refusalOf(node, proofOf(changes, "a guess at the secret")));
      told.add(await refusalOf(node, () => encodeProof({ said: "", proof: "0".repeat(64) })));
    }
    assertEquals([...told], ["the cluster secrets of the two nodes differ"]);
    const { connection } = await rawDial(node);
    const first = await connection.receive();
    assertEquals(first?.fields.rpc, "Challenge");
    assertMatch(first?.fields.text("nonce") ?? "", /^[0-9a-f]{32}$/);
    closeQuietly(connection);
    assertEquals([node.recorder.greetings, node.recorder.events], [[], []]);
  });
});

Deno.test("the Proof of a recorded handshake is worth nothing for another challenge", async () => {
  await withTarget({}, async (node) => {
    const peer = await rawDial(node);
    const first = await peer.connection.receive();
    const recorded = proofOf({})(first === undefined ? "" : decodeChallenge(first.fields) ?? "");
    peer.connection.append(recorded);
    peer.connection.flush();
    assertEquals((await peer.connection.receive())?.fields.rpc, "Welcome");
    closeQuietly(peer.connection);
    for (let replayed = 0; replayed < 20; replayed++) {
      assertMatch(await refusalOf(node, () => recorded) ?? "", /secrets of the two nodes differ/);
    }
    assertEquals(node.recorder.events, []);
  });
});

Deno.test("a first frame that is no Proof, or is long, closes the connection without an answer", async () => {
  await withTarget({}, async (node) => {
    const headers = [
      encodeMessage(numbered(1)).header,
      "{}",
      '{"rpc":"Ping"}',
      '{"rpc":"Proof","said":5,"proof":""}',
      `{"rpc":"Proof","x":"${"x".repeat(17_000)}"}`,
    ];
    for (const header of headers) assertEquals(await refusalOf(node, () => header), undefined);
    const { connection } = await rawDial(node);
    await connection.receive();
    connection.append(encodeMessage(numbered(1)).header); // Instead of a proof.
    connection.flush();
    await drain(connection);
    assertEquals([node.recorder.messages, node.recorder.events, node.recorder.greetings], [[], [], []]);
  });
});

Deno.test("nodes with the same secret connect", async () => {
  await withNodes([{ secret: "s" }, { secret: "s" }], async (zero, one) => {
    await join(zero, one);
    zero.post(numbered(1));
    await until(() => one.recorder.messages.length === 1, "the message has arrived");
  });
});

Deno.test("nodes with different secrets refuse each other and say so", async () => {
  await withNodes([{ secret: "the one secret" }, { secret: "the other one" }], async (zero, one) => {
    zero.follow(one);
    one.follow(zero);
    await until(() => zero.peer(1).problem !== undefined && one.peer(0).problem !== undefined, "both know why");
    for (const problem of [zero.peer(1).problem, one.peer(0).problem]) {
      assertEquals(problem, "the cluster secrets of the two nodes differ");
    }
    assertEquals([zero.recorder.greetings, one.recorder.greetings], [[], []]);
  });
});
