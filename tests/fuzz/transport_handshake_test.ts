/** Handshakes with somebody in between who changes what is said: both sides end, and nobody is deceived. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import type { Random } from "../../lib/base/random.ts";
import { decodeMessage, encodeMessage } from "../../lib/transport/codec.ts";
import { Connection } from "../../lib/transport/connection.ts";
import { FrameWriter } from "../../lib/transport/frame.ts";
import { PeerTls } from "../../lib/cluster/peer_tls.ts";
import { acceptHandshake, dialHandshake, type HandshakeResult } from "../../lib/transport/handshake.ts";
import { ACCEPTED_HEADER, encodeWelcome, sayIntroduction } from "../../lib/transport/control.ts";
import { FrameSeal, KEY_BYTES } from "../../lib/transport/seal.ts";
import { LargeTurns } from "../../lib/transport/large_turns.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../../lib/transport/limits.ts";
import type { Greeting } from "../../lib/transport/transport.ts";
import { PeerFiles } from "../support/peer_files.ts";
import { VirtualClock } from "../support/memory/virtual_clock.ts";
import { greetingOf } from "../unit/transport/support.ts";
import { turn } from "../support/wait.ts";
import { fakeSocket } from "./fake_socket.ts";
import { fuzz, require, requireSame, textOf } from "./harness.ts";
import { anyText, mutate } from "./mutators.ts";
import { randomSplit, waysToSplit } from "./splits.ts";
import { anyMessage } from "./values.ts";

const CLOCK = new VirtualClock();
const PREFIX_BYTES = 16;
const TURNS_MAX = 20;

/** Who is between the two, and what it does. */
interface Tampering {
  /** The frame that is changed, counted from 0 in both directions together; beyond the last one for none. */
  readonly frame: number;
  /** Raw bytes, or a header in a frame that is well formed again. */
  readonly framed: boolean;
  /** Both sides have certificates, and no secret. */
  readonly certified: boolean;
  /** Both sides have the same secret. */
  readonly fits: boolean;
  /** The one in between pretends that each side has accepted the other. */
  readonly pretends: boolean;
}

function connect(write: (bytes: string) => void): { connection: Connection; end: ReturnType<typeof fakeSocket> } {
  const end = fakeSocket(write);
  return {
    connection: new Connection(end.socket, {
      clock: CLOCK,
      limits: DEFAULT_TRANSPORT_LIMITS,
      largeTurns: new LargeTurns(CLOCK),
    }),
    end,
  };
}

/** What is said to a side that would hear a refusal, by somebody who wants it to go on. */
function pretend(frame: number): string {
  const said = sayIntroduction({ greeting: ACCEPTOR, nonce: "", to: 1 });
  return framed(frame === 2 ? encodeWelcome({ said, proof: "0".repeat(64) }) : ACCEPTED_HEADER);
}

function framed(header: string): string {
  const writer = new FrameWriter();
  writer.append(header, new Uint8Array(0));
  return bytesToString(writer.bytes());
}

function tamper(bytes: string, plan: Tampering, random: Random): string {
  if (!plan.framed) return mutate(bytes, random);
  const header = stringToBytes(mutate(bytes.slice(PREFIX_BYTES), random));
  const ascii = bytesToString(header.map((byte) => byte & 0x7f));
  return framed(ascii);
}

/** Runs a handshake through the tampering and gives both results. */
async function shakeHands(plan: Tampering, random: Random): Promise<readonly [HandshakeResult, HandshakeResult]> {
  let frames = 0;
  const pass = (to: () => ReturnType<typeof fakeSocket>) => (bytes: string) => {
    const frame = frames++;
    const said = plan.pretends && frame >= 2 ? pretend(frame) : bytes;
    const passed = frame === plan.frame ? tamper(bytes, plan, random) : said;
    for (const piece of random.chance(0.2) ? randomSplit(passed, random) : [passed]) to().deliver(piece);
  };
  const dialer = connect((bytes) => pass(() => acceptor.end)(bytes));
  const acceptor = connect((bytes) => pass(() => dialer.end)(bytes));
  const shared = { knows: () => true, admit: () => undefined, acquaint: () => ({ members: [] }) };
  const [ofDialer, ofAcceptor] = plan.certified ? CERTIFIED : [];
  const own = { ...shared, greeting: DIALER, secret: plan.certified ? "" : SECRET, security: ofDialer, expected: 1 };
  const dialed = dialHandshake(dialer.connection, own);
  const secret = plan.fits ? own.secret : "another secret of the same length";
  const accepted = acceptHandshake(acceptor.connection, {
    ...shared,
    greeting: ACCEPTOR,
    secret,
    security: ofAcceptor,
  });
  const results = Promise.all([dialed, accepted]);
  let done = false;
  results.then(() => done = true);
  for (let turns = 0; !done; turns++) {
    require(turns < TURNS_MAX, "A side never ends its handshake");
    await turn();
    // Nobody has anything left to say: the deadline of a real connection would come.
    for (const { end } of [dialer, acceptor]) end.end();
  }
  for (const { connection } of [dialer, acceptor]) connection.close({ reason: "", expected: true, damage: false });
  return await results;
}

/** Of node 0 and of node 1. */
const CERTIFIED: readonly PeerTls[] = await certify();

async function certify(): Promise<readonly PeerTls[]> {
  const directory = await Deno.makeTempDir();
  const files = new PeerFiles(directory);
  const parts = { clock: CLOCK, log: () => {} };
  const both = [0, 1].map((id) => new PeerTls(files.write(`node-${id}`, files.issue(id)), parts));
  await Deno.remove(directory, { recursive: true });
  return both;
}

const SECRET = "a secret of both sides";
const DIALER: Greeting = greetingOf(0);
const ACCEPTOR: Greeting = greetingOf(1);

fuzz("handshakes with somebody in between", {
  make: (random): Tampering => ({
    frame: random.below(5),
    framed: random.chance(0.7),
    certified: random.chance(0.1),
    fits: random.chance(0.85),
    pretends: random.chance(0.1),
  }),
  check: async (plan, random) => {
    const [dialed, accepted] = await shakeHands(plan, random);
    const untouched = plan.frame > 3 && plan.fits && !plan.pretends;
    for (const [result, other] of [[dialed, ACCEPTOR], [accepted, DIALER]] as const) {
      if (untouched) requireSame(result, { type: "Admitted", greeting: other }, "A handshake that nobody disturbs");
      if (result.type === "Refused") requireHarmless(result.reason);
      if (result.type !== "Admitted") continue;
      require(plan.fits, "Nodes that do not fit are admitted");
      // What a proof vouches for is what the other side has said.
      requireSame(result.greeting, other, "The greeting that was proved");
    }
    return dialed.type === accepted.type ? dialed.type : "different";
  },
  outcomes: ["Admitted", "Refused", "Lost", "different"],
});

function requireHarmless(reason: string): void {
  require(reason !== "" && reason.length < 3_000, `Refused for ${textOf(reason)}`);
}

const KEY = new Uint8Array(KEY_BYTES).fill(7);

/** The headers that a connection gives for a stream in these pieces, and how it ends. */
async function receiveAll(pieces: readonly string[]): Promise<readonly string[]> {
  const { connection, end } = connect(() => {});
  connection.trust({ outgoing: KEY, incoming: KEY });
  for (const piece of pieces) end.deliver(piece);
  end.end();
  const found: string[] = [];
  for (let frame = await connection.receive(); frame !== undefined; frame = await connection.receive()) {
    found.push(`${frame.fields.rpc}: ${textOf(decodeMessage(frame.fields, frame.body))}`);
  }
  const { ending } = connection;
  require(ending !== undefined && end.closed, "The connection is closed");
  return [...found, `${ending.reason} ${ending.damage}`];
}

fuzz("connections that somebody writes to", {
  make: (random) => {
    const writer = new FrameWriter();
    const seal = new FrameSeal(KEY);
    for (let left = random.between(1, 3); left > 0; left--) {
      const { header, body } = encodeMessage(anyMessage(random));
      writer.append(random.chance(0.1) ? anyText(random, 20).replace(/[^ -~]/g, "?") : header, body, seal);
    }
    const bytes = bytesToString(writer.bytes());
    return random.chance(0.5) ? bytes : mutate(bytes, random);
  },
  check: async (bytes, random) => {
    const whole = await receiveAll([bytes]);
    const [way = []] = waysToSplit(bytes, random);
    requireSame(await receiveAll(way), whole, "Another split");
    return whole.at(-1)?.endsWith("true") === true ? "damaged" : "closed";
  },
  outcomes: ["damaged", "closed"],
});
