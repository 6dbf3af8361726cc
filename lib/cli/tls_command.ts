/** `kvstore tls`: a CA for a cluster, certificates for its nodes and clients, and what is in them. */

import { dirname } from "@std/path";
import { Authority, makeAuthority, type Pair, type Validity } from "../tls/authority.ts";
import { readCertificates } from "../tls/certificate.ts";
import { about, CertificateError } from "../tls/errors.ts";
import { makePrivateDirectory, type NewFile, readKey, readPem, writeWhole } from "../tls/files.ts";
import type { CommandContext } from "./command_context.ts";
import { confirmOrThrow } from "./confirmation.ts";
import { EXIT } from "./failures.ts";
import { showCertificates } from "./tls_show.ts";
import { nodesToCertify, readNode } from "./tls_nodes.ts";
import { certificatesIn, exists } from "./tls_paths.ts";
import { nearest, quoteForPeople, UsageError } from "./usage_error.ts";

type Run = (context: CommandContext, operands: readonly string[]) => void;

/** What the cluster is called in certificates where it has no name. */
const CLUSTER = "kvstore";
const CA = "ca";
const CA_DAYS = 3_650;
const LEAF_DAYS = 365;

/** The words behind `kvstore tls`, each with the operands that it takes. */
const ACTIONS: Readonly<
  Record<string, { readonly usage: string; readonly operands: readonly number[]; readonly run: Run }>
> = {
  init: { usage: "init DIR --nodes ID=NAME[+NAME...],...", operands: [1], run: init },
  node: { usage: "node DIR ID=NAME[+NAME...]", operands: [2], run: node },
  client: { usage: "client DIR NAME", operands: [2], run: client },
  renew: { usage: "renew DIR [ca|node-ID|client-NAME ...]", operands: [1, Infinity], run: renew },
};

/** Runs one of the actions. Throws `UsageError`, `CertificateError`; then nothing is written. */
export function runTlsCommand(context: CommandContext): Promise<number> {
  const [word = "", ...operands] = context.operands;
  if (word === "show" && operands.length > 0) return Promise.resolve(showCertificates(context, operands));
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined;
  const [least = 0, most = least] = action?.operands ?? [];
  if (action === undefined || operands.length < least || operands.length > most || operands.includes("")) {
    const near = nearest(word, [...Object.keys(ACTIONS), "show"]) ?? "show";
    const usage = ACTIONS[near]?.usage ?? "show FILE|DIR...";
    throw new UsageError(`${quoteForPeople(context.operands.join(" "))} does not fit; use kvstore tls ${usage}`);
  }
  action.run(context, operands);
  return Promise.resolve(EXIT.ok);
}

function init(context: CommandContext, [directory = ""]: readonly string[]): void {
  const { settings, surroundings } = context;
  const nodes = nodesToCertify(settings.text("nodes"));
  const leaf = validity(context, LEAF_DAYS);
  const pair = makeAuthority(settings.optionalText("cluster-id") ?? CLUSTER, {
    ...leaf,
    days: Math.max(leaf.days, CA_DAYS),
  });
  const authority = new Authority(pair);
  const pairs = nodes.map(({ id, names }) => filesOf(directory, `node-${id}`, authority.issueNode(id, names, leaf)));
  writeNew(context, [...filesOf(directory, CA, pair), ...pairs.flat()]);
  surroundings.out(`Keep ${directory}/${CA}.key away from the nodes: with it anybody can be a node or a client.\n`);
}

function node(context: CommandContext, [directory = "", operand = ""]: readonly string[]): void {
  const { id, names } = readNode(operand);
  const pair = readAuthority(directory).issueNode(id, names, validity(context, LEAF_DAYS));
  writeNew(context, filesOf(directory, `node-${id}`, pair));
}

function client(context: CommandContext, [directory = "", name = ""]: readonly string[]): void {
  const pair = readAuthority(directory).issueClient(name, validity(context, LEAF_DAYS));
  writeNew(context, filesOf(directory, `client-${name}`, pair));
}

/** Everything is made before anything is written. The files of keys are not touched. */
function renew(context: CommandContext, [directory = "", ...named]: readonly string[]): void {
  const authority = readAuthority(directory);
  const names = named.length > 0 ? named : certificatesIn(directory).filter((name) => /^(node|client)-/.test(name));
  const files = names.map((name) => {
    const path = `${directory}/${name}.pem`;
    const text = about(path, () => {
      const [old] = readCertificates(readPem(path));
      if (old === undefined) throw new CertificateError("it is empty");
      return authority.renew(old, validity(context, old.isAuthority ? CA_DAYS : LEAF_DAYS));
    });
    return { path, text, secret: false };
  });
  for (const file of files) write(context, file, { replace: true });
}

function readAuthority(directory: string): Authority {
  const path = `${directory}/${CA}`;
  return about(
    `${path}.pem`,
    () => new Authority({ certificate: readPem(`${path}.pem`), key: readKey(`${path}.key`) }),
  );
}

/** The key first: a certificate without one would be taken for whole. */
function filesOf(directory: string, name: string, { certificate, key }: Pair): readonly NewFile[] {
  const path = `${directory}/${name}`;
  return [{ path: `${path}.key`, text: key, secret: true }, { path: `${path}.pem`, text: certificate, secret: false }];
}

function writeNew(context: CommandContext, files: readonly NewFile[]): void {
  makePrivateDirectory(dirname(files[0]?.path ?? "."));
  const taken = files.filter(({ path }) => exists(path)).map(({ path }) => path);
  if (taken.length > 0) confirmOrThrow(context, `Overwrites ${taken.join(", ")}: what was there is lost.`);
  for (const file of files) write(context, file, { replace: taken.includes(file.path) });
}

function write({ surroundings }: CommandContext, file: NewFile, how: { readonly replace: boolean }): void {
  writeWhole(file, how);
  surroundings.out(`${file.path}\n`);
}

function validity({ settings }: CommandContext, days: number): Validity {
  return { days: settings.optionalInteger("days") ?? days, now: Date.now() };
}
