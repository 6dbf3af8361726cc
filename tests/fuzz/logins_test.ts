/**
 * What comes before a login, against generated and mutated bytes: nobody comes in but by the right name and password, or token, as another reader of the
 * same bytes finds them, nothing is done before, and what ACL is given is taken whole or not at all.
 */

import type { Random } from "../../lib/base/random.ts";
import { byteStringToText } from "../../lib/base/bytes.ts";
import type { HttpRequest } from "../../lib/http/http.ts";
import { identify } from "../../lib/http/logins.ts";
import { VirtualClock } from "../support/memory/virtual_clock.ts";
import { QuickGate } from "../support/quick_gate.ts";
import { encodeRequest } from "../support/resp/encode.ts";
import { StateNode } from "../support/state_node.ts";
import { Gate } from "../../lib/access/gate.ts";
import { hashSecret, TOKEN_USER } from "../../lib/access/tokens.ts";
import type { Command } from "../../lib/kv/commands.ts";
import { addToken, removeToken, secretOf, tokenOf } from "../support/tokens.ts";
import { hashOf, setUser } from "../support/users.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { LoginStage } from "./login_stage.ts";
import { anyBytes, mutate } from "./mutators.ts";
import { randomSplit } from "./splits.ts";

const NAME = "root";
/** A colon ends the name of HTTP's credentials, and is a part of the password behind that. */
const PASSWORD = "correct:horse";

/** A node with one user, before a gate that knows the password without work. */
async function openStage(): Promise<LoginStage<QuickGate>> {
  const stage = new LoginStage((node, clock) => new QuickGate(node, { clock, password: PASSWORD }));
  await new Promise((resolve) => stage.node.submit(setUser(NAME), resolve));
  return stage;
}

/** The words of a login in the Redis protocol or the other, a few of them changed. */
function anyLogin(random: Random): string {
  const credentials = random.chance(0.9) ? [NAME, PASSWORD] : [PASSWORD];
  const words = random.pick([
    ["AUTH", ...credentials],
    ["auth", ...credentials],
    ["HELLO", "3", "AUTH", ...credentials],
    ["HELLO", "2", "AUTH", ...credentials, "SETNAME", "x"],
    ["LOGIN", ...credentials],
  ]);
  while (random.chance(0.4)) {
    const at = random.below(words.length + 1);
    const word = words[at] ?? "";
    const changed = random.pick([[mutate(word, random)], [], [word, anyBytes(random, 12)], [word, word], [
      "AUTH",
      word,
    ]]);
    words.splice(at, 1, ...changed);
  }
  if (random.chance(0.7)) return encodeRequest(...words);
  return `${words.join(random.pick([" ", " ", "  ", "\t"]))}${random.pick(["\n", "\r\n"])}`;
}

const TRIED: readonly string[] = [
  ...[encodeRequest("SET", "k", "v"), "SET k v\r\n", "PUT k v\n"],
  ...[
    encodeRequest("MULTI"),
    encodeRequest("EXEC"),
    encodeRequest("RESET"),
    encodeRequest("ACL", "SETUSER", "bob", ">pass-of-bob"),
  ],
];

/** Whoever says one of these alone comes in. */
const RIGHT: readonly string[] = [
  ...[encodeRequest("AUTH", NAME, PASSWORD), encodeRequest("HELLO", "3", "AUTH", NAME, PASSWORD)],
  ...[`AUTH ${NAME} ${PASSWORD}\n`, `AUTH ${NAME} ${PASSWORD}\r\n`, `login ${NAME}  ${PASSWORD}\n`],
  `HELLO 2 AUTH ${NAME} ${PASSWORD}\r\n`,
];

fuzz("logins in both protocols of the client port", {
  make: (random) => {
    if (random.chance(0.05)) return random.pick(RIGHT);
    const parts = Array.from({ length: random.between(1, 3) }, () => anyLogin(random));
    if (random.chance(0.5)) parts.splice(random.below(parts.length + 1), 0, random.pick(TRIED));
    const text = parts.join("");
    return random.chance(0.7) ? text : mutate(text, random);
  },
  check: async (input, random) => {
    const outcomes = await Promise.all([[input], randomSplit(input, random)].map(async (pieces) => {
      const stage = await openStage();
      const { node, gate } = stage;
      const before = node.machine.digest;
      const isIn = () => gate.claims.some(({ name, password }) => name === NAME && password === PASSWORD);
      await stage.send(pieces);
      if (!isIn()) requireSame(node.machine.digest, before, "Something was done for nobody");
      const claims = gate.claims.map(({ name, password }) => [name, password]);
      // What was missing of a request may come with the next.
      if (!isIn()) await stage.send(TRIED);
      if (!isIn()) requireSame(node.machine.digest, before, "Something is done for nobody");
      require(isIn() || !RIGHT.includes(input), "Who is right does not come in");
      require(!isIn() || input.includes(NAME) && input.includes(PASSWORD), "A claim that nobody made");
      return { claims, outcome: isIn() ? "comes in" : claims.length > 0 ? "is refused" : "claims nothing" };
    }));
    const [whole, parts] = outcomes;
    requireSame(parts?.claims, whole?.claims, "The claims of another split");
    return whole?.outcome ?? "";
  },
  outcomes: ["comes in", "is refused", "claims nothing"],
  share: 4,
});

/** The bytes that Base64 stands for, bit by bit; undefined where a character is none of it, or the last one stands alone. */
function decodeBase64(text: string): string | undefined {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const digits = [...text.replace(/={0,2}$/, "")];
  if (digits.length % 4 === 1) return undefined;
  const bits = digits.map((digit) => {
    const value = alphabet.indexOf(digit);
    return value < 0 ? "?" : value.toString(2).padStart(6, "0");
  }).join("");
  if (bits.includes("?")) return undefined;
  return (bits.match(/.{8}/g) ?? []).map((byte) => String.fromCharCode(parseInt(byte, 2))).join("");
}

fuzz("credentials of HTTP", {
  make: (random) => {
    const credentials = random.pick([
      `${NAME}:${PASSWORD}`,
      `${NAME}:${PASSWORD}`,
      `${NAME}${PASSWORD}`,
      `:${PASSWORD}`,
    ]);
    const encoded = btoa(random.chance(0.6) ? credentials : mutate(credentials, random));
    const scheme = random.pick(["Basic ", "Basic ", "basic ", "BASIC  ", "Bearer ", "KVStore-Node ", "Basic", ""]);
    const header = `${scheme}${encoded}${random.pick(["", "", "", "=", " ", "==="])}`;
    return random.chance(0.6) ? header : mutate(header, random);
  },
  check: async (header) => {
    const node = new StateNode();
    const gate = new QuickGate(node, { clock: new VirtualClock(), password: PASSWORD });
    await new Promise((resolve) => node.submit(setUser(NAME), resolve));
    const headers = new Map([["authorization", header]]);
    const request: HttpRequest = {
      method: "GET",
      path: "/",
      query: "",
      headers,
      body: "",
      remote: "10.0.0.1:1",
      id: "",
    };
    const who = await identify(request, { gate, id: node.id });
    const [, encoded] = /^basic +([^ ]+)$/i.exec(header) ?? [];
    const [, token] = /^bearer +([A-Za-z0-9._~+/-]{1,512}=*) *$/i.exec(header) ?? [];
    const basic = encoded === undefined ? undefined : decodeBase64(encoded);
    const said = token === undefined ? basic : `${TOKEN_USER}:${token}`;
    const { name, password } = gate.claims[0] ?? {};
    if (name !== undefined) {
      requireSame(`${name}:${password}`, said, "The claim is what was said");
      require(!name.includes(":"), "A name ends with the first colon");
    }
    const isRight = said === `${NAME}:${PASSWORD}`;
    requireSame("status" in who ? who.status : who.name, isRight ? NAME : 401, "Who comes in");
    return isRight ? "comes in" : name === undefined ? "claims nothing" : "is refused";
  },
  outcomes: ["comes in", "is refused", "claims nothing"],
});

/** Whoever says one of these comes in as alice, with the one that is hers. */
function tokensOfAlice(id: number): readonly string[] {
  return [
    `Bearer ${tokenOf(id)}`,
    `Basic ${btoa(`${TOKEN_USER}:${tokenOf(id)}`)}`,
    `Basic ${btoa(`alice:${tokenOf(id)}`)}`,
  ];
}

fuzz("tokens of HTTP", {
  make: (random) => {
    const token = random.pick([
      ...[tokenOf(3), tokenOf(3), tokenOf(4, 2), tokenOf(4), tokenOf(2), tokenOf(5)],
      ...[
        secretOf(1),
        `kvs_3_${"0".repeat(40)}`,
        `kvs_03_${secretOf(1)}`,
        hashSecret(secretOf(1)),
        `kvs_3_${secretOf(1)}00`,
      ],
    ]);
    const said = random.chance(0.7) ? token : mutate(token, random);
    const header = random.pick([
      ...[`Bearer ${said}`, `Bearer ${said}`, `bearer  ${said} `, `Bearer${said}`, `Token ${said}`],
      ...[`Basic ${btoa(`${TOKEN_USER}:${said}`)}`, `Basic ${btoa(`alice:${said}`)}`, `Basic ${btoa(`root:${said}`)}`],
    ]);
    return random.chance(0.8) ? header : mutate(header, random);
  },
  check: async (header) => {
    const node = new StateNode();
    const clock = new VirtualClock();
    const told: string[] = [];
    const gate = new Gate({
      ...{ node, clock, dateMs: () => node.timeMs(), secret: "", awaitsUsers: false },
      log: (_level, line) => told.push(line),
      audit: { record: (event) => told.push(JSON.stringify(event)) },
    });
    const submit = (command: Command, login: number) =>
      new Promise((resolve) => node.submit(command, resolve, { login }));
    await submit(setUser(NAME), 0);
    await submit(setUser("alice"), 1);
    await submit(addToken("alice", "mine"), 2);
    await submit(addToken("alice", "gone", { digit: 2 }), 2);
    await submit(removeToken("alice", "gone"), 2);
    gate.hashes.run = () => Promise.resolve(undefined);
    const headers = new Map([["authorization", header]]);
    const line = { method: "GET", path: "/", query: "", headers, body: "", remote: "10.0.0.1:1", id: "" };
    const who = await identify(line, { gate, id: node.id });
    const [, encoded = ""] = /^basic +([^ ]+)$/i.exec(header) ?? [];
    const [, borne] = /^bearer +([^ ]+) *$/i.exec(header) ?? [];
    const pair = decodeBase64(encoded) ?? "";
    const isRight = borne === tokenOf(3) || pair === `${TOKEN_USER}:${tokenOf(3)}` || pair === `alice:${tokenOf(3)}`;
    requireSame("status" in who ? "nobody" : `${who.name} ${who.id}`, isRight ? "alice 3" : "nobody", "Who comes in");
    require(!tokensOfAlice(3).includes(header) || isRight, "Who is right does not come in");
    require(
      !told.some((each) => each.includes(secretOf(1)) || each.includes(secretOf(2))),
      `It tells the secret: ${told}`,
    );
    return isRight ? "comes in" : told.length === 0 ? "claims nothing" : "is refused";
  },
  outcomes: ["comes in", "is refused", "claims nothing"],
});

const RULES: readonly string[] = [
  ...[
    "on",
    "off",
    "~*",
    "~k:*",
    "%R~x",
    "%RW~y*",
    "&*",
    "allkeys",
    "resetkeys",
    "allchannels",
    "+@all",
    "-@all",
    "+@read",
  ],
  ...[
    "-@dangerous",
    "+get",
    "-set",
    "+acl|list",
    "allcommands",
    "nocommands",
    "nopass",
    "resetpass",
    "reset",
    "clearselectors",
  ],
  ...["(+get ~x)", "(", ")", "+", "-", "~", "%", "@", "sanitize-payload", ""],
];
/** Patterns and categories that belong together, now and then one of them changed. */
function anyGrants(random: Random): string[] {
  const patterns = ["~app:*", "~*", "%R~a\\*b*", "%W~x*", "%RW~y*", "%R~\\\\*", "%w~a\xffb*"];
  const categories = ["+@read", "+@write", "+@all", "+@admin", "-@all", "resetkeys"];
  const words = Array.from(
    { length: random.between(2, 5) },
    (_, at) => random.pick(at % 2 === 0 ? patterns : categories),
  );
  return words.map((word) => random.chance(0.1) ? mutate(word, random) : word);
}

/** No rules make this user otherwise. */
const COPY = "copied-from-the-list";
const SECRETS: readonly string[] = [">secret-word", "<secret-word", "#secret-word", "!secret-word", ">secret:word\xff"];

/** What is listed of a user are rules that give another one the same rights. */
async function requireSameAgain(stage: LoginStage<QuickGate>, name: string, listed: string): Promise<void> {
  const { users } = stage.node.machine;
  const line = listed.split("\r\n").find((each) => each.startsWith(`user ${name} `)) ?? "";
  // A pattern with a blank is one word of several.
  const rules = line.slice(`user ${name} `.length).split(" ");
  if (rules.some((rule) => rule === "") || line.includes("  ")) return;
  const reply = await stage.send([encodeRequest("ACL", "SETUSER", COPY, ">secret-word", ...rules)]);
  const [rights, copied] = [users.find(name)?.rights, users.find(COPY)?.rights];
  require(reply === "+OK\r\n" && rights !== undefined, `${line} is refused: ${reply}`);
  requireSame(copied, rights, `The rights of ${line}`);
}

fuzz("rules of ACL SETUSER", {
  make: (random) => {
    const rules = Array.from({ length: random.below(5) }, () => {
      const rule = random.pick(RULES);
      return random.chance(0.3) ? mutate(rule, random) : rule;
    });
    const harmless = ["on", "~*", "&*", "+@all", "allkeys"];
    const chosen = random.chance(0.3)
      ? rules.map(() => random.pick(harmless))
      : random.chance(0.4)
      ? anyGrants(random)
      : rules;
    if (random.chance(0.8)) {
      chosen.splice(random.below(chosen.length + 1), 0, random.chance(0.6) ? ">secret-word" : random.pick(SECRETS));
    }
    const name = random.chance(0.8) ? "alice" : random.chance(0.5) ? mutate("alice", random) : anyBytes(random, 80);
    return [name, ...chosen];
  },
  check: async ([name = "", ...rules]) => {
    const stage = await openStage();
    const { machine } = stage.node;
    const inside = await stage.send([encodeRequest("AUTH", NAME, PASSWORD)]);
    requireSame(inside, "+OK\r\n", "The user comes in");
    const before = machine.digest;
    const reply = await stage.send([encodeRequest("ACL", "SETUSER", name, ...rules)]);
    require(/^(?:\+OK|-[A-Z]+ [^\r\n]*)\r\n$/.test(reply), `One line: ${reply}`);
    require(
      !rules.some((rule) => SECRETS.includes(rule)) || !reply.includes("secret-word"),
      `It tells the password: ${reply}`,
    );
    const isDone = reply === "+OK\r\n";
    if (!isDone) requireSame(machine.digest, before, "A refusal changes nothing");
    else {
      require(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name), `There is a user called ${name}`);
      const kept = machine.users.find(name)?.hash;
      require(
        kept === hashOf(2) || kept === undefined || !rules.some((rule) => rule.startsWith(">")),
        "The new password",
      );
    }
    const listed = await stage.send([encodeRequest("ACL", "LIST")]);
    require(
      // A pattern is shown as the bytes that it was given as.
      (byteStringToText(listed) !== undefined || rules.some((rule) => byteStringToText(rule) === undefined)) &&
        !/secret-word|scrypt|[0-9a-f]{64}/.test(listed.replace(`user ${name} `, "")),
      `It shows ${listed}`,
    );
    if (!isDone) return "is refused";
    await requireSameAgain(stage, name, listed);
    const grants = machine.users.find(name)?.rights.grants ?? [];
    return grants.length > 0 ? "gives rights to keys" : "is taken";
  },
  outcomes: ["is taken", "is refused", "gives rights to keys"],
  share: 4,
});
