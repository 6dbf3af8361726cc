/** No time that an answer takes tells how near a guess was, or whether there is such a user. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { Gate } from "../../../lib/access/gate.ts";
import { connectionTo, makePass, PassReader } from "../../../lib/access/node_pass.ts";
import { hashPassword } from "../../../lib/access/passwords.ts";
import { hashSecret, isSecret, makeSecret, TOKEN_USER } from "../../../lib/access/tokens.ts";
import { WebSessions } from "../../../lib/access/web_sessions.ts";
import { hasToken, makeToken, TOKEN_HEADER } from "../../../lib/http/token.ts";
import { sameProof } from "../../../lib/transport/credentials.ts";
import { FrameSeal, KEY_BYTES, TAG_BYTES } from "../../../lib/transport/seal.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { StateNode } from "../../support/state_node.ts";
import { findLeak, measure, T_MAX, type TimingClasses, welchT } from "../../support/timing_leak.ts";
import { addToken, secretOf, tokenOf } from "../../support/tokens.ts";
import { setUser } from "../../support/users.ts";

const PASSWORD = "correct horse battery";
const HEX = "0123456789abcdef";
const SAMPLES = 10_000;
/** Few, so that hardly any sample is interrupted. */
const BATCH = 4;
/** One quiet look is enough to find what is planted, and a busy machine may spoil some. */
const LOOKS_MAX = 5;
/** Each takes some 50 ms of a processor. */
const LOGINS = 20;

/** What somebody shows for a token, and what is kept of that; undefined where there is none. */
interface Presented {
  readonly secret: string;
  readonly hash: string | undefined;
}

/** Another hexadecimal digit in that place. */
function altered(hex: string, at: number): string {
  const other = HEX[(HEX.indexOf(hex.charAt(at)) + 1) % HEX.length];
  return `${hex.slice(0, at)}${other}${hex.slice(at + 1)}`;
}

/** Classes of guesses at a hexadecimal secret: wrong from the first digit on, and in the last one alone. */
function guesses(secret: string, run: (guess: string) => unknown): TimingClasses<string> {
  const [far, near] = [0, secret.length - 1].map((at) => Buffer.from(altered(secret, at)));
  return {
    samples: SAMPLES,
    batch: BATCH,
    make: (isSecond) => (isSecond ? near : far)?.toString("latin1") ?? "",
    run,
  };
}

/** A comparison that ends with the first difference: the planted bug. */
function isEqualEarly(left: Uint8Array, right: Uint8Array): boolean {
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return left.length === right.length;
}

Deno.test("t is that of the textbook", () => {
  // Means 4 and 7, variances 2.5 and 4, each over the size of its sample.
  assertEquals(welchT([3, 4, 5, 2, 6], [5, 7, 9]).toFixed(9), (-3 / Math.sqrt(0.5 + 4 / 3)).toFixed(9));
  assertEquals(welchT([1, 1], [1, 1]), 0);
});

Deno.test("classes of which none is as fast as any of the other are told apart, whichever is slower", async () => {
  for (const slower of [true, false]) {
    const run = (rounds: number) => {
      for (let round = 0; round < rounds; round++) isSecret(secretOf(1), undefined);
    };
    const t = await measure({ samples: 200, make: (isSecond) => isSecond === slower ? 200 : 1, run });
    assert(slower ? t > T_MAX : t < -T_MAX, `${t}`);
  }
});

Deno.test("a comparison that ends early is found, in strings and in bytes", async () => {
  const secret = makeToken();
  const inStrings = (guess: string) => {
    for (let at = 0; at < secret.length; at++) if (guess.charCodeAt(at) !== secret.charCodeAt(at)) return false;
    return true;
  };
  const bytes = Buffer.from(secret);
  const inBytes = (guess: string) => isEqualEarly(bytes, Buffer.from(guess));
  for (const run of [inStrings, inBytes]) {
    const looks: (readonly number[] | undefined)[] = [];
    const isFound = () => looks.at(-1)?.every((t) => t > 2 * T_MAX) === true;
    while (looks.length < LOOKS_MAX && !isFound()) looks.push(await findLeak(guesses(secret, run)));
    assert(isFound(), `found: ${JSON.stringify(looks)}`);
  }
});

Deno.test("a token that does not exist takes the work of one that does, and an end before the comparison is found", async () => {
  const hash = hashSecret(makeSecret());
  const presented = (judge: typeof isSecret): TimingClasses<Presented> => ({
    samples: SAMPLES,
    batch: BATCH,
    make: (isSecond) => ({ secret: makeSecret(), hash: isSecond ? hash : undefined }),
    run: (each) => assert(!judge(each.secret, each.hash)),
  });
  assertEquals(await findLeak(presented(isSecret)), undefined);
  const endsEarly = (secret: string, kept: string | undefined) => kept !== undefined && isSecret(secret, kept);
  const looks: (readonly number[] | undefined)[] = [];
  const isFound = () => looks.at(-1)?.every((t) => t > 2 * T_MAX) === true;
  while (looks.length < LOOKS_MAX && !isFound()) looks.push(await findLeak(presented(endsEarly)));
  assert(isFound(), `found: ${JSON.stringify(looks)}`);
});

Deno.test("a login takes as long for no user or token as for one, and for a near password or token as for a far one", async () => {
  const node = new StateNode();
  const hash = await hashPassword(PASSWORD);
  await new Promise((resolve) => node.submit(setUser("alice", { hash }), resolve));
  await new Promise((resolve) => node.submit(addToken("alice", "ci"), resolve, { login: 1 }));
  assertEquals(node.users.findToken(2)?.name, "ci");
  const gate = new Gate({
    node,
    clock: new VirtualClock(),
    dateMs: () => node.timeMs(),
    log: () => {},
    secret: "",
    awaitsUsers: false,
  });
  let attempts = 0;
  const login = async (name: string, password: string) => {
    attempts += 1;
    // From another address each time: nobody is held up.
    const { type } = await gate.login({ name, password, address: `10.0.0.${attempts}`, protocol: "text" });
    assertEquals(type, "WrongPassword");
  };
  const far = "x".repeat(PASSWORD.length);
  const near = `${PASSWORD.slice(0, -1)}x`;
  const cases: Readonly<Record<string, (isSecond: boolean) => readonly [string, string]>> = {
    "no such user": (isSecond) => [isSecond ? "alice" : "bobby", far],
    "a near password": (isSecond) => ["alice", isSecond ? near : far],
    "no such token": (isSecond) => [TOKEN_USER, tokenOf(isSecond ? 2 : 99, 2)],
    "a near token": (
      isSecond,
    ) => [TOKEN_USER, `${tokenOf(2).slice(0, isSecond ? -1 : -40)}${isSecond ? 2 : secretOf(2)}`],
  };
  for (const [what, make] of Object.entries(cases)) {
    const run = ([name, password]: readonly [string, string]) => login(name, password);
    assertEquals(await findLeak({ make, run, samples: LOGINS }), undefined, what);
  }
});

Deno.test("proofs, passes, tags of frames, tokens, the token of pages and their cookies are compared in a time that tells nothing", async () => {
  const mac = `${makeToken()}${makeToken()}`;
  const token = makeToken();
  const subject = connectionTo(1);
  const nowMs = 1_000_000;
  const said = makePass("key", { subject, login: 7, nowMs });
  const dot = said.lastIndexOf(".") + 1;
  const reader = new PassReader(() => ["key"]);
  const frame = new Uint8Array(64).fill(7);
  const key = new Uint8Array(KEY_BYTES).fill(1);
  const written = Buffer.alloc(TAG_BYTES);
  new FrameSeal(key).write(frame, written);
  const tag = written.toString("hex");
  const headers = new Map<string, string>();
  const secret = makeSecret();
  const hash = hashSecret(secret);
  const gate = { admits: () => true, enter: () => {}, leave: () => {} };
  const sessions = new WebSessions({ clock: new VirtualClock(), gate });
  const cookie = sessions.open({ name: "alice", id: 7 }, { isSecure: true });
  const refused = (isTaken: boolean) => assert(!isTaken);
  const cases: Readonly<Record<string, TimingClasses<string>>> = {
    "a proof": guesses(mac, (guess) => refused(sameProof(mac, guess))),
    "a pass": guesses(said.slice(dot), (guess) => {
      refused(reader.read(`${said.slice(0, dot)}${guess}`, { subject, nowMs: [nowMs] }) !== undefined);
    }),
    "the tag of a frame": guesses(tag, (guess) => {
      refused(new FrameSeal(key).matches(frame, Buffer.from(guess, "hex")));
    }),
    "the secret of a token": guesses(secret, (guess) => refused(isSecret(guess, hash))),
    "the token of a page": guesses(token, (guess) => {
      headers.set(TOKEN_HEADER, guess);
      refused(hasToken({ headers }, { token }));
    }),
    "the cookie of a page": guesses(cookie, (guess) => refused(sessions.find(guess) !== undefined)),
  };
  for (const [what, classes] of Object.entries(cases)) assertEquals(await findLeak(classes), undefined, what);
});
