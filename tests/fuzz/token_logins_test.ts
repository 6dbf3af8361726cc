/**
 * Tokens in both protocols of the client port, against generated and mutated bytes: whoever says a token that is good, with the name of its
 * user or the one that stands for it, comes in as that token; nobody else comes in, and nothing is done before.
 */

import { Gate } from "../../lib/access/gate.ts";
import type { LoginOutcome } from "../../lib/access/gate.ts";
import { hashSecret, TOKEN_USER } from "../../lib/access/tokens.ts";
import type { Random } from "../../lib/base/random.ts";
import type { Command } from "../../lib/kv/commands.ts";
import { encodeRequest } from "../support/resp/encode.ts";
import { addToken, removeToken, secretOf, tokenOf } from "../support/tokens.ts";
import { setUser } from "../support/users.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { LoginStage } from "./login_stage.ts";
import { anyBytes, mutate } from "./mutators.ts";
import { randomSplit } from "./splits.ts";

const USER = "alice";
/** The entries that made the tokens: one that is good, one that was revoked, one that has expired. */
const [GOOD, REVOKED, EXPIRED] = [3, 4, 6] as const;
const TTL_MS = 1_000;

/** A gate that keeps who came in, and works on no password. */
class WatchedGate extends Gate {
  readonly claims: (readonly [name: string, password: string])[] = [];
  readonly entered: number[] = [];

  override async login(claim: Parameters<Gate["login"]>[0]): Promise<LoginOutcome> {
    this.claims.push([claim.name, claim.password]);
    const outcome = await super.login(claim);
    if (outcome.type === "LoggedIn") this.entered.push(outcome.login.id);
    return outcome;
  }
}

async function openStage(): Promise<LoginStage<WatchedGate>> {
  const stage = new LoginStage((node, clock) => {
    const parts = { node, clock, dateMs: () => node.timeMs(), log: () => {}, secret: "", awaitsUsers: false };
    return new WatchedGate(parts);
  });
  const { node, gate } = stage;
  gate.hashes.run = () => Promise.resolve(undefined);
  const submit = (command: Command, login: number) =>
    new Promise((resolve) => node.submit(command, resolve, { login }));
  await submit(setUser("root"), 0);
  await submit(setUser(USER), 1);
  await submit(addToken(USER, "good"), 2);
  await submit(addToken(USER, "revoked", { digit: 2 }), 2);
  await submit(removeToken(USER, "revoked"), 2);
  await submit(addToken(USER, "expires", { digit: 3, ttlMs: TTL_MS }), 2);
  node.wallClockMs += TTL_MS;
  return stage;
}

const TOKENS: readonly string[] = [
  ...[tokenOf(GOOD), tokenOf(GOOD), tokenOf(GOOD), tokenOf(REVOKED, 2), tokenOf(EXPIRED, 3)],
  ...[tokenOf(REVOKED), tokenOf(2), tokenOf(7), secretOf(1), `kvs_03_${secretOf(1)}`, `kvs_${GOOD}_${secretOf(1)}00`],
  ...[hashSecret(secretOf(1)), `kvs_${GOOD}_${"0".repeat(40)}`, `KVS_${GOOD}_${secretOf(1)}`],
];

/** Whoever says one of these alone comes in. */
const RIGHT: readonly string[] = [
  ...[encodeRequest("AUTH", USER, tokenOf(GOOD)), encodeRequest("AUTH", TOKEN_USER, tokenOf(GOOD))],
  ...[encodeRequest("HELLO", "3", "AUTH", TOKEN_USER, tokenOf(GOOD)), `AUTH ${USER} ${tokenOf(GOOD)}\r\n`],
  `AUTH ${TOKEN_USER} ${tokenOf(GOOD)}\n`,
];

const TRIED: readonly string[] = [encodeRequest("SET", "k", "v"), "SET k v\r\n", "PUT k v\n"];

function anyLogin(random: Random): string {
  const name = random.pick([USER, USER, TOKEN_USER, TOKEN_USER, "root", "default", ""]);
  const token = random.pick(TOKENS);
  const said = random.chance(0.8) ? token : random.chance(0.8) ? mutate(token, random) : anyBytes(random, 60);
  const words = random.pick([
    ...[["AUTH", name, said], ["AUTH", name, said], ["auth", said]],
    ["HELLO", random.pick(["2", "3", "4"]), "AUTH", name, said],
  ]);
  if (random.chance(0.1)) words.splice(random.below(words.length + 1), 0, random.pick([name, said, "x"]));
  if (random.chance(0.7)) return encodeRequest(...words);
  return `${words.join(" ")}${random.pick(["\n", "\r\n"])}`;
}

fuzz("tokens in both protocols of the client port", {
  make: (random) => {
    if (random.chance(0.05)) return random.pick(RIGHT);
    const parts = Array.from({ length: random.between(1, 3) }, () => anyLogin(random));
    if (random.chance(0.4)) parts.splice(random.below(parts.length + 1), 0, random.pick(TRIED));
    const text = parts.join("");
    return random.chance(0.8) ? text : mutate(text, random);
  },
  check: async (input, random) => {
    const stage = await openStage();
    const { node, gate } = stage;
    const before = node.machine.digest;
    await stage.send(random.chance(0.5) ? [input] : randomSplit(input, random));
    const isRight = ([name, password]: readonly [string, string]) =>
      password === tokenOf(GOOD) && (name === USER || name === TOKEN_USER);
    const right = gate.claims.filter(isRight);
    requireSame(gate.entered, right.map(() => GOOD), "Who comes in");
    require(right.length > 0 || !RIGHT.includes(input), "Who is right does not come in");
    if (right.length === 0) {
      requireSame(node.machine.digest, before, "Something was done for nobody");
      await stage.send(TRIED);
      // What was missing of a request may have come with these.
      if (gate.entered.length === 0) requireSame(node.machine.digest, before, "Something is done for nobody");
    }
    return right.length > 0 ? "comes in" : gate.claims.length > 0 ? "is refused" : "claims nothing";
  },
  outcomes: ["comes in", "is refused", "claims nothing"],
  share: 10,
});
