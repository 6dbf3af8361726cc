/** Command lines, environments, configuration files and lists of nodes: a value or a UsageError, nothing else. */

import { splitArguments } from "../../lib/cli/arguments.ts";
import { environmentName, findFlag, FLAGS, LOG_LEVELS } from "../../lib/cli/flags.ts";
import { readFlagValue } from "../../lib/cli/flag_values.ts";
import { type OwnAddress, resolvePeers, showAddress } from "../../lib/cli/peers.ts";
import { readMembers } from "../../lib/cli/recover_force.ts";
import { serverOptions } from "../../lib/cli/server_settings.ts";
import { settle } from "../../lib/cli/settings.ts";
import { readConnectList } from "../../lib/cli/shell/connections.ts";
import { editDistance, nearest, quoteForPeople, UsageError } from "../../lib/cli/usage_error.ts";
import type { Random } from "../../lib/base/random.ts";
import { parseAddress } from "../../lib/transport/address.ts";
import { fakeSurroundings } from "../unit/cli/support.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyText, mutate, mutateMost, numberText, OTHER_JSON } from "./mutators.ts";
import { assertLinear } from "./timing.ts";

/** The outcome of `read`, whose only error may be a UsageError. */
function outcomeOf<T>(read: () => T, judge: (value: T) => string): string {
  let value: T;
  try {
    value = read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    require(error.message !== "", "An error for people");
    return "refused";
  }
  return judge(value);
}

/** A value that the flag of that name takes, most times. */
function anyValue(name: string, random: Random): string {
  const flag = findFlag(name);
  if (flag?.choices !== undefined && random.chance(0.8)) return random.pick(flag.choices);
  if (flag?.kind === "switch") return random.pick(["true", "false", "1", "0", "", "yes"]);
  if (flag?.kind === "integer") {
    return random.chance(0.3) ? numberText(random) : String(random.between(flag.min ?? 0, 9_000));
  }
  if (flag?.kind === "size") return random.pick(["64MiB", "1GiB", "65536", "10kib", "1TiB", numberText(random)]);
  return random.pick(["127.0.0.1", "5001,5002", "a:1,b:2", "0=a:1,1=b:2", "localhost", "x", anyText(random, 8)]);
}

function anyArguments(random: Random): string[] {
  const args = random.chance(0.8)
    ? [random.pick(["cluster", "node", "cli", "bench", "inspect", "recover", "assets", "version", "help"])]
    : [];
  for (let left = random.below(5); left > 0; left--) {
    const { name } = random.pick(FLAGS);
    const value = anyValue(name, random);
    args.push(
      ...random.pick([[`--${name}`, value], [`--${name}=${value}`], [`--${name}`], [value], ["--"], ["-h"], ["-"]]),
    );
  }
  if (random.chance(0.3)) args.reverse();
  return args.map((arg) => random.chance(0.1) ? mutate(arg, random, true) : arg);
}

fuzz("command lines", {
  make: anyArguments,
  check: (args) =>
    outcomeOf(() => splitArguments(args), ({ command, flags, operands }) => {
      for (const name of flags.keys()) require(findFlag(name) !== undefined, `Flag ${name}`);
      if (command === undefined) return "no command";
      require(args.includes(command), `Command ${command}`);
      require(operands.every((operand) => args.includes(operand)), "Operands that nobody gave");
      return "split";
    }),
  outcomes: ["refused", "no command", "split"],
});

fuzz("odd command lines", {
  make: (random) => Array.from({ length: random.below(5) }, () => random.pick(["-", "--", "---"]) + anyText(random, 8)),
  check: (args) => outcomeOf(() => splitArguments(args), () => "split"),
  outcomes: ["refused", "split"],
});

/** Settings from all three places. */
interface Sources {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly config: string;
}

function anySources(random: Random): Sources {
  const args = ["node"];
  const environment: Record<string, string> = {};
  const config: Record<string, unknown> = {};
  for (let left = random.below(4); left > 0; left--) {
    const { name } = random.pick(FLAGS);
    const value = anyValue(name, random);
    const where = random.below(3);
    if (where === 0) args.push(`--${name}=${value}`);
    else if (where === 1) environment[environmentName(name)] = value;
    else config[name] = random.pick([value, Number(value), value === "true", [value, 1], null, { a: value }]);
  }
  const text = JSON.stringify(config);
  if (random.chance(0.7)) args.push("--config=file");
  if (random.chance(0.05)) return { args, environment, config: random.pick(OTHER_JSON) };
  return { args, environment, config: random.chance(0.3) ? mutate(text, random, true) : text };
}

fuzz("settings of flags, environment and file", {
  make: anySources,
  check: ({ args, environment, config }) =>
    outcomeOf(() => {
      const settings = settle(splitArguments(args).flags, fakeSurroundings(environment, { file: config }));
      require(LOG_LEVELS.some((level) => level === settings.text("log-level")), "A level of the log");
      return serverOptions(settings, () => {});
    }, ({ members, nodeId, clientPort, peerPort, httpPort }) => {
      require(members.some((member) => member.id === nodeId), "The node is a member");
      for (const port of [clientPort, peerPort, httpPort]) require(port >= 1 && port <= 65_535, `Port ${port}`);
      return "settled";
    }),
  outcomes: ["refused", "settled"],
});

fuzz("values of flags", {
  make: (random) => {
    const { name } = random.pick(FLAGS);
    const value = anyValue(name, random);
    return { name, text: random.chance(0.4) ? mutate(value, random, true) : value };
  },
  check: ({ name, text }) => {
    const flag = findFlag(name);
    require(flag !== undefined, "A flag");
    return outcomeOf(() => readFlagValue(flag, { text, origin: "--x" }), (value) => {
      if (typeof value !== "number") return typeof value;
      require(flag.kind === "decimal" || Number.isSafeInteger(value), `Value ${value}`);
      require(value >= (flag.min ?? 0) && value <= (flag.max ?? Infinity), `Value ${value} out of range`);
      return "number";
    });
  },
  outcomes: ["refused", "number", "string", "boolean"],
});

fuzz("addresses", {
  make: (random) => {
    const addresses = ["127.0.0.1:5000", "[::1]:65535", "localhost:1", "a.b:80", ":5", "x:65536", "[fe80::1%eth0]:9"];
    return mutateMost((source) => source.pick(addresses), random, true);
  },
  check: (text) => {
    const address = parseAddress(text);
    if (address === undefined) return "refused";
    const { hostname, port } = address;
    require(Number.isInteger(port) && port >= 1 && port <= 65_535 && hostname !== "", `${hostname} ${port}`);
    requireSame(parseAddress(showAddress(hostname, port)), address, "An address there and back");
    return hostname.includes(":") ? "v6" : "taken";
  },
  outcomes: ["refused", "v6", "taken"],
});

const OWN: OwnAddress = { nodeId: undefined, host: "127.0.0.1", port: 5000, portGiven: true, peerPort: undefined };

function anyPeers(random: Random): string {
  const withIds = random.chance(0.5);
  const hosts = ["127.0.0.1", "localhost", "127.0.0.2", "[::1]", "0.0.0.0", "10.0.0.2", "host"];
  return Array.from({ length: random.below(5) }, (_, at) => {
    const where = random.chance(0.4) ? `500${at}` : `${random.pick(hosts)}:500${at}`;
    return `${withIds ? `${at}=` : ""}${where}${random.chance(0.2) ? `@1500${at}` : ""}`;
  }).join(random.pick([",", ", "]));
}

fuzz("lists of peers", {
  make: (random) => ({
    list: random.chance(0.4) ? anyPeers(random) : mutate(anyPeers(random), random, true),
    own: {
      ...OWN,
      nodeId: random.chance(0.5) ? random.below(5) : undefined,
      host: random.pick(["127.0.0.1", "10.0.0.2", "0.0.0.0", "::1", "h\u00f6st"]),
    },
  }),
  check: ({ list, own }) =>
    outcomeOf(() => resolvePeers(list, own), ({ nodeId, members, port, peerPort }) => {
      const ids = members.map((member) => member.id);
      require(ids.every((id, at) => at === 0 || (ids[at - 1] ?? 0) < id), `Ids ${ids}`);
      require(ids.includes(nodeId), `Node ${nodeId} is not of ${ids}`);
      const addresses = members.flatMap(({ address, clientAddress }) => [address, clientAddress]);
      for (const address of addresses) require(parseAddress(address) !== undefined, `Address ${address}`);
      requireSame(new Set(addresses).size, addresses.length, "No address twice");
      const self = members.find((member) => member.id === nodeId);
      require(self?.clientAddress.endsWith(`:${port}`) === true && self.address.endsWith(`:${peerPort}`), "Own ports");
      return members.length === 1 ? "one" : "some";
    }),
  outcomes: ["refused", "one", "some"],
});

fuzz("lists of members", {
  make: (random) => random.chance(0.4) ? anyPeers(random) : mutate(anyPeers(random), random, true),
  check: (list) =>
    outcomeOf(() => readMembers(list), (members) => {
      requireSame(new Set(members.map(({ id }) => id)).size, members.length, "No id twice");
      const addresses = members.flatMap(({ address, clientAddress }) => [address, clientAddress]);
      for (const address of addresses) require(parseAddress(address) !== undefined, `Address ${address}`);
      requireSame(new Set(addresses).size, addresses.length, "No address twice");
      return "taken";
    }),
  outcomes: ["refused", "taken"],
});

fuzz("lists of nodes to connect to", {
  make: (random) =>
    mutateMost((source) => source.pick(["127.0.0.1:5000,5001", "5000", "a:1, [::1]:2", ""]), random, true),
  check: (list) =>
    outcomeOf(() => readConnectList(list), (endpoints) => {
      for (const { hostname, port } of endpoints) require(hostname !== "" && port >= 1 && port <= 65_535, hostname);
      return "taken";
    }),
  outcomes: ["refused", "taken"],
});

fuzz("what may have been meant", {
  make: (random) => [anyText(random, 10), anyText(random, 10), "cluster"],
  check: ([word = "", ...candidates]) => {
    const shown = quoteForPeople(word);
    require(shown.length <= 60 && !/[\n\r]/.test(shown), `Shown as ${shown}`);
    const distances = candidates.map((candidate) => editDistance(word, candidate));
    candidates.forEach((candidate, at) => {
      const [distance = -1, longer] = [distances[at], Math.max(word.length, candidate.length)];
      require(distance >= 0 && distance <= longer && (distance === 0) === (word === candidate), `${distance}`);
      requireSame(editDistance(candidate, word), distance, "The distance back");
    });
    require(candidates.includes(nearest(word, candidates) ?? ""), "One of the candidates");
    return "judged";
  },
  outcomes: ["judged"],
});

Deno.test("command lines take linear time and configuration files any depth", () => {
  const peers = (list: string) => outcomeOf(() => resolvePeers(list, OWN), () => "taken");
  const split = (args: readonly string[]) => outcomeOf(() => splitArguments(args), () => "taken");
  const config = (text: string) =>
    outcomeOf(() => settle(new Map([["config", "file"]]), fakeSurroundings({}, { file: text })), () => "taken");
  for (const piece of ["9", "a", "@1", "1=", ",", " ", "-", "[", "=", "--", "::"]) {
    const make = (size: number) => piece.repeat(size);
    assertLinear(`peers of ${piece}`, { make, run: peers });
    assertLinear(`an address of ${piece}`, { make, run: parseAddress });
    assertLinear(`a flag of ${piece}`, { make: (size) => [`--${make(size)}`], run: split, size: 1_024 });
    assertLinear(`a value of ${piece}`, {
      make: (size) => [`--port=${make(size)}`, `--insecure=${make(size)}`],
      run: split,
    });
    assertLinear(`a file of ${piece}`, {
      make: (size) => `{"port":"${make(size)}","${make(size)}":1}`,
      run: config,
      size: 512,
    });
  }
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  for (const key of ["peers", "port", "x"]) requireSame(config(`{"${key}":${deep}}`), "refused", "A deep value");
});
