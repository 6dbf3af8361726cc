/**
 * A node of this program beside one that speaks protocol version 6 alone and refuses every other number: the program before
 * levels (ADR 18). What that one says, and what it takes, stands here as it was; none of it is made by the code under test.
 */

import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import type { Connection } from "../../../lib/transport/connection.ts";
import { FrameWriter, NO_BODY } from "../../../lib/transport/frame.ts";
import { PROTOCOL_VERSION } from "../../../lib/transport/versions.ts";
import { until } from "../../support/wait.ts";
import { closeQuietly, join, rawDial, TEST_SECRET, withNodes, withRawListener } from "./support.ts";
import { withTarget } from "./target.ts";

const CHALLENGE = "c".repeat(32);
const NONCE = "d".repeat(32);

/** What node `id` of version 6 says, as it wrote it. */
function saidBy(id: number, { nonce, to }: { readonly nonce: string; readonly to: number }): string {
  return `{"version":6,"greeting":{"clusterId":"test","clusterName":"","nodeId":${id},"incarnation":${100 + id},` +
    `"identity":"identity-${id}","rejoin":false,"configurationIndex":0,"membersFingerprint":"fingerprint",` +
    `"clientAddress":"127.0.0.1:500${id}","peerAddress":"127.0.0.1:1500${id}"},"nonce":"${nonce}","to":${to}}`;
}

function keyed(...parts: readonly string[]): ReturnType<typeof createHmac> {
  return createHmac("sha256", TEST_SECRET).update(JSON.stringify(["kvstore peers 2", ...parts]));
}

/** The frames of a handshake between nodes 0 and 1 of version 6, as they went over the wire. */
const RECORDED = {
  challenge: "S1ZQAnDPsxkAAAA+AAAAAHsicnBjIjoiQ2hhbGxlbmdlIiwibm9uY2UiOiJjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjYyJ9",
  proof:
    "S1ZQAunNRfUAAAG9AAAAAHsicnBjIjoiUHJvb2YiLCJzYWlkIjoie1widmVyc2lvblwiOjYsXCJncmVldGluZ1wiOntcImNsdXN0ZXJJZFwiOlwidGVz" +
    "dFwiLFwiY2x1c3Rlck5hbWVcIjpcIlwiLFwibm9kZUlkXCI6MCxcImluY2FybmF0aW9uXCI6MTAwLFwiaWRlbnRpdHlcIjpcImlkZW50aXR5LTBcIixc" +
    "InJlam9pblwiOmZhbHNlLFwiY29uZmlndXJhdGlvbkluZGV4XCI6MCxcIm1lbWJlcnNGaW5nZXJwcmludFwiOlwiZmluZ2VycHJpbnRcIixcImNsaWVu" +
    "dEFkZHJlc3NcIjpcIjEyNy4wLjAuMTo1MDAwXCIsXCJwZWVyQWRkcmVzc1wiOlwiMTI3LjAuMC4xOjE1MDAwXCJ9LFwibm9uY2VcIjpcImRkZGRkZGRk" +
    "ZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkXCIsXCJ0b1wiOjF9IiwicHJvb2YiOiIyMGQ3YTIyOWZlY2RkZTQ0MzQ1OGVkY2ZjMTIyZGY5MTUxYWI1MDM4" +
    "ZjYxYmI2ZDBiMDNjNGZhZGFiODAzYzQyIn0=",
  welcome:
    "S1ZQAmRxd/MAAAGfAAAAAHsicnBjIjoiV2VsY29tZSIsInNhaWQiOiJ7XCJ2ZXJzaW9uXCI6NixcImdyZWV0aW5nXCI6e1wiY2x1c3RlcklkXCI6XCJ0" +
    "ZXN0XCIsXCJjbHVzdGVyTmFtZVwiOlwiXCIsXCJub2RlSWRcIjoxLFwiaW5jYXJuYXRpb25cIjoxMDEsXCJpZGVudGl0eVwiOlwiaWRlbnRpdHktMVwi" +
    "LFwicmVqb2luXCI6ZmFsc2UsXCJjb25maWd1cmF0aW9uSW5kZXhcIjowLFwibWVtYmVyc0ZpbmdlcnByaW50XCI6XCJmaW5nZXJwcmludFwiLFwiY2xp" +
    "ZW50QWRkcmVzc1wiOlwiMTI3LjAuMC4xOjUwMDFcIixcInBlZXJBZGRyZXNzXCI6XCIxMjcuMC4wLjE6MTUwMDFcIn0sXCJub25jZVwiOlwiXCIsXCJ0" +
    "b1wiOjF9IiwicHJvb2YiOiIyNWYzYTkwMTYwZDRiNzBjM2QwMjUyODM1MDg5M2MxMWI3ZjkzZTFlZGU0ODVkMzA4ZmI4NDFiMmVjZTg0Y2U5In0=",
  accepted: "S1ZQAo7uLyIAAAASAAAAAHsicnBjIjoiQWNjZXB0ZWQifQ==",
} as const;

const DIALER_SAID = saidBy(0, { nonce: NONCE, to: 1 });
const ACCEPTOR_SAID = saidBy(1, { nonce: "", to: 1 });
const HEADERS: Readonly<Record<keyof typeof RECORDED, string>> = {
  challenge: `{"rpc":"Challenge","nonce":"${CHALLENGE}"}`,
  proof: proofHeader(CHALLENGE),
  welcome: welcomeHeader(CHALLENGE, DIALER_SAID),
  accepted: '{"rpc":"Accepted"}',
};

function proofHeader(challenge: string): string {
  const proof = keyed("dialer", challenge, DIALER_SAID).digest("hex");
  return JSON.stringify({ rpc: "Proof", said: DIALER_SAID, proof });
}

function welcomeHeader(challenge: string, dialerSaid: string): string {
  const proof = keyed("acceptor", challenge, dialerSaid, ACCEPTOR_SAID).digest("hex");
  return JSON.stringify({ rpc: "Welcome", said: ACCEPTOR_SAID, proof });
}

/** Whether a node of version 6 takes what was said: it wants its own number and each of these fields, and ignores others. */
function takesIntroduction(said: unknown): boolean {
  const { version, greeting, nonce, to } = JSON.parse(String(said));
  const counts = [to, greeting.nodeId, greeting.incarnation, greeting.configurationIndex];
  const texts = [greeting.clusterId, greeting.clusterName, greeting.identity, greeting.membersFingerprint];
  return version === 6 && /^([0-9a-f]{32})?$/.test(nonce) && typeof greeting.rejoin === "boolean" &&
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    [...texts, greeting.clientAddress, greeting.peerAddress].every((text) => typeof text === "string");
}

function say(connection: Connection, header: string): void {
  connection.append(header);
  connection.flush();
}

Deno.test("the frames of version 6 are what they were, byte for byte", () => {
  for (const [name, recorded] of Object.entries(RECORDED)) {
    const writer = new FrameWriter();
    writer.append(HEADERS[name as keyof typeof RECORDED], NO_BODY);
    assertEquals(writer.bytes(), stringToBytes(atob(recorded)), name);
  }
});

Deno.test("a node that speaks version 6 alone dials this one and is taken, and takes what it hears", async () => {
  await withTarget({}, async (node) => {
    const { connection } = await rawDial(node);
    const challenge = (await connection.receive())?.fields.text("nonce") ?? "";
    say(connection, proofHeader(challenge));
    const welcome = (await connection.receive())?.fields;
    assertEquals(welcome?.rpc, "Welcome");
    const said = welcome?.text("said") ?? "";
    assert(takesIntroduction(said), said);
    assertEquals(welcome?.text("proof"), keyed("acceptor", challenge, DIALER_SAID, said).digest("hex"));
    const keyOf = (side: string) => keyed(side, challenge, DIALER_SAID).digest();
    connection.trust({ outgoing: keyOf("from the dialer"), incoming: keyOf("from the acceptor") });
    say(connection, HEADERS.accepted);
    await until(() => node.peer(0).versions !== undefined, "node 0 is taken");
    assertEquals(node.peer(0).versions, { oldest: 6, newest: 6 });
    closeQuietly(connection);
  });
});

Deno.test("a node that speaks version 6 alone is dialed by this one, takes it, and is taken", async () => {
  let taken = false;
  await withRawListener(async (connection) => {
    say(connection, HEADERS.challenge);
    const proof = (await connection.receive())?.fields;
    const said = proof?.text("said") ?? "";
    assert(takesIntroduction(said), said);
    assertEquals(proof?.text("proof"), keyed("dialer", CHALLENGE, said).digest("hex"));
    say(connection, welcomeHeader(CHALLENGE, said));
    const keyOf = (side: string) => keyed(side, CHALLENGE, said).digest();
    connection.trust({ outgoing: keyOf("from the acceptor"), incoming: keyOf("from the dialer") });
    taken = (await connection.receive())?.fields.rpc === "Accepted";
  }, async (address) => {
    await withNodes([{}], async (zero) => {
      zero.follow({ id: 1, address });
      await until(() => taken, "node 1 has taken node 0");
      assertEquals(zero.peer(1).versions, { oldest: 6, newest: 6 });
    });
  });
});

Deno.test("nodes of this program speak its newest version with each other", async () => {
  await withNodes([{}, {}], async (zero, one) => {
    await join(zero, one);
    assertEquals(zero.peer(1).versions, { oldest: 6, newest: PROTOCOL_VERSION });
  });
});
