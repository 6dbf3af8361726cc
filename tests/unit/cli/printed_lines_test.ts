/**
 * docs/command-line.md has what the commands that administer a cluster print in the end: each text of their sources is in a line of the
 * table, and each line of the table is made of texts of the sources.
 */

import { assertEquals } from "@std/assert";
import { COMMAND_TEXTS } from "../../../lib/cli/command_texts.ts";
import type { CommandName } from "../../../lib/cli/flags.ts";
import { ROOT } from "../../tidy/project.ts";

/** Where lines of a command come from. */
interface Source {
  readonly file: string;
  /** The functions, classes or constants that hold them; all when left out. */
  readonly inside?: readonly string[];
  /** Those that hold what is shown before anything is done, or for another command. */
  readonly except?: readonly string[];
  /** One sample of them is enough: what goes with the errors of every protocol. */
  readonly isSampled?: boolean;
}

/** What asks a cluster that runs. */
const ASKING: readonly Source[] = [
  { file: "lib/cli/admin_connection.ts", except: ["httpAddressOf"] },
  { file: "lib/cli/shell/connections.ts", inside: ["readConnectList"] },
  { file: "lib/http/leader_proxy.ts", inside: ["askLeader"] },
  { file: "lib/http/problem.ts", inside: ["NoLeader"] },
  { file: "lib/node/views/reach.ts", isSampled: true },
];
const CONFIRMATION: Source = { file: "lib/cli/confirmation.ts", inside: ["confirmOrThrow"] };
const NODE_IDS: Source = { file: "lib/cli/peers.ts", inside: ["readNodeId"] };
const ADDRESSES: Source = {
  file: "lib/node/membership/member_addresses.ts",
  inside: ["HOST_FORM", "ADDRESS_FORM"],
};
const PLACES: Source = { file: "lib/cli/peers.ts", inside: ["readPlace"] };

const SOURCES: Partial<Record<CommandName, readonly Source[]>> = {
  leader: [
    { file: "lib/cli/leader_command.ts" },
    { file: "lib/http/routes/cluster.ts", inside: ["postLeader", "whyNoLeader"] },
    NODE_IDS,
    ...ASKING,
  ],
  member: [
    { file: "lib/cli/member_command.ts" },
    {
      file: "lib/cli/member_texts.ts",
      except: [
        "willAdd",
        "willPromote",
        "willRemove",
        "willDrain",
        "willUndrain",
        "willReplace",
        "willMove",
        "willPause",
        "countAfter",
        "MEMBER_LINES",
        "USAGES",
      ],
    },
    { file: "lib/cli/member_texts.ts", inside: ["USAGES"], isSampled: true },
    { file: "lib/node/membership/change_plan.ts" },
    ADDRESSES,
    { file: "lib/node/membership/change_texts.ts", inside: ["describeUnsafe", "CHANGE_UNKNOWN", "LEADER_TOO_OLD"] },
    CONFIRMATION,
    NODE_IDS,
    PLACES,
    ...ASKING,
  ],
  "rolling-restart": [
    { file: "lib/cli/rolling_restart_command.ts", except: ["planOf"] },
    { file: "lib/cli/rolling_restart.ts" },
    CONFIRMATION,
    ...ASKING,
  ],
  recover: [
    { file: "lib/cli/recover_command.ts" },
    { file: "lib/cli/recover_force.ts", except: ["showPlan"] },
    { file: "lib/cli/inspect_command.ts", inside: ["refuseRunning", "refuseOtherDirectory"] },
    { file: "lib/node/recovery/plan.ts" },
    { file: "lib/node/recovery/new_cluster.ts" },
    { file: "lib/node/recovery/force.ts" },
    { file: "lib/storage/kept_copy.ts" },
  ],
  backup: [
    { file: "lib/cli/backup/backup_command.ts" },
    { file: "lib/cli/backup/backup_download.ts" },
    { file: "lib/cli/backup/output_file.ts" },
    { file: "lib/cli/backup/outline_text.ts" },
    { file: "lib/cli/backup/scheduled_command.ts" },
    { file: "lib/cli/backup/scheduled_backups.ts" },
    { file: "lib/cli/backup/kept_backups.ts" },
    { file: "lib/base/errors.ts", inside: ["DirectoryLockedError", "CorruptionError", "AccessError"] },
    { file: "lib/http/routes/snapshot.ts", inside: ["openBackup"] },
    ...ASKING,
  ],
  export: [
    { file: "lib/cli/transfer/export_command.ts", except: ["onProgress"] },
    { file: "lib/cli/backup/backup_download.ts" },
    { file: "lib/cli/backup/output_file.ts" },
    { file: "lib/http/routes/snapshot.ts", inside: ["openBackup"] },
    ...ASKING,
  ],
  import: [
    { file: "lib/cli/transfer/import_command.ts", except: ["onProgress"] },
    { file: "lib/cli/transfer/import_run.ts" },
    { file: "lib/cli/transfer/importer.ts", inside: ["writeUnlessOther"] },
    { file: "lib/cli/transfer/input_lines.ts" },
    { file: "lib/cli/transfer/line_source.ts" },
    { file: "lib/cli/transfer/record_line.ts", except: ["RECORD_FIELDS"] },
    { file: "lib/cli/transfer/redis_link.ts" },
    { file: "lib/cli/transfer/redis_source.ts" },
    { file: "lib/cli/admin_connection.ts", inside: ["LOGIN_NEEDED"] },
    { file: "lib/base/errors.ts", inside: ["AccessError"], isSampled: true },
  ],
  restore: [
    { file: "lib/cli/backup/restore_command.ts" },
    { file: "lib/cli/backup/backup_text.ts" },
    { file: "lib/node/recovery/restore.ts" },
    { file: "lib/node/recovery/new_cluster.ts" },
    { file: "lib/storage/restore_mark.ts", inside: ["refuseOccupied"] },
    { file: "lib/cli/recover_force.ts", inside: ["readMembers"], isSampled: true },
    { file: "lib/cli/transfer/prefix_restore_command.ts" },
    { file: "lib/cli/transfer/prefix_writer.ts" },
    CONFIRMATION,
  ],
  undo: [
    { file: "lib/cli/transfer/undo_command.ts", except: ["planUndo"] },
    { file: "lib/cli/transfer/undo_command.ts", inside: ["planUndo"], isSampled: true },
    { file: "lib/cli/transfer/prefix_restore_command.ts", inside: ["showNumbers", "showFirst"] },
    { file: "lib/cli/transfer/prefix_writer.ts", inside: ["writeTogether"] },
    { file: "lib/http/routes/history.ts", inside: ["showPast"] },
    { file: "lib/http/routes/key_history.ts", inside: ["refuseRevision"], isSampled: true },
    ...ASKING,
    CONFIRMATION,
  ],
  node: [
    { file: "lib/cli/join.ts" },
    { file: "lib/cluster/join.ts" },
    { file: "lib/transport/seeds.ts", inside: ["askServer"] },
    { file: "lib/transport/handshake.ts", inside: ["WRONG_SECRET"] },
    { file: "lib/transport/credentials.ts", inside: ["findOtherCluster"] },
    { file: "lib/node/membership/level.ts", inside: ["refusalAtLevel"] },
    { file: "lib/storage/open.ts", inside: ["readNodeFile"] },
    { file: "lib/cli/server_settings.ts", inside: ["checkJoin"] },
    { file: "lib/cli/server_settings.ts", inside: ["readAdvertised"] },
    { file: "lib/cli/peers.ts", inside: ["seedAddresses", "readListed"] },
    ADDRESSES,
    { file: "lib/node/membership/membership_keeper.ts", inside: ["describeTaken", "describeRetired"] },
    { file: "lib/base/errors.ts", inside: ["RemovedError", "UsersRequiredError", "CERTIFICATES_HELP"] },
    PLACES,
  ],
  cluster: [
    { file: "lib/cluster/cluster_directory.ts" },
    { file: "lib/cli/cluster_command.ts", inside: ["askToGrow"] },
    { file: "lib/base/errors.ts", inside: ["UsersRequiredError"] },
    CONFIRMATION,
  ],
};

const WILD = "\0";

interface AstNode {
  readonly type: string;
  readonly parent?: AstNode;
  readonly [field: string]: unknown;
}

/** Every text of a source, the longest expressions of it, with `WILD` for what is only known when it runs. */
function textsOf({ file, inside, except = [] }: Source): readonly string[] {
  const texts: string[] = [];
  const take = (node: unknown) => {
    const given = node as AstNode;
    if (isPart(given) || except.some((name) => isInside(given, name))) return;
    if (inside !== undefined && !inside.some((name) => isInside(given, name))) return;
    texts.push(textOf(given).replace(/\n$/, ""));
  };
  Deno.lint.runPlugin(
    {
      name: "texts",
      rules: { all: { create: () => ({ Literal: take, TemplateLiteral: take, BinaryExpression: take }) } },
    },
    `${ROOT}${file}`,
    Deno.readTextFileSync(`${ROOT}${file}`),
  );
  return texts.filter((text) => /[a-z]/i.test(text.replaceAll(WILD, "")));
}

/** A part of a longer text is none of its own; what is compared or logged is not printed in the end. */
function isPart(node: AstNode): boolean {
  const called = node.parent?.["callee"] as AstNode | undefined;
  const name = (called?.["property"] as AstNode | undefined)?.["name"] ?? called?.["name"];
  if (node.parent?.type === "SwitchCase" || name === "log") return true;
  const isSum = (some: AstNode | undefined) => some?.type === "BinaryExpression" && some["operator"] === "+";
  return isSum(node.parent) || (node.type === "BinaryExpression" && !isSum(node)) ||
    /^(Import|Export)/.test(node.parent?.type ?? "");
}

function isInside(node: AstNode, name: string): boolean {
  for (let at = node.parent; at !== undefined && at !== null; at = at.parent) {
    const own = (at["id"] ?? at["key"]) as AstNode | null | undefined;
    if (own?.["name"] === name) return true;
  }
  return false;
}

function textOf(node: AstNode): string {
  switch (node.type) {
    case "Literal":
      return typeof node["value"] === "string" ? node["value"] : WILD;
    case "TemplateLiteral":
      return (node["quasis"] as readonly { readonly cooked: string }[]).map(({ cooked }) => cooked).join(WILD);
    case "BinaryExpression":
      return node["operator"] === "+" ? textOf(node["left"] as AstNode) + textOf(node["right"] as AstNode) : WILD;
    default:
      return WILD;
  }
}

/** What people read has three words or more, with what is filled in. */
function isForPeople(text: string): boolean {
  return text.trim().split(/ +/).length >= 3;
}

/** `WILD` stands for anything, also for nothing. */
function patternOf(text: string): string {
  return text.split(WILD).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("(.*?)");
}

/** What the system and the checks of the storage say. */
const FOREIGN = ["No such file or directory", "Connection refused", "Broken pipe", "bad checksum"];

/** What a line has beside the texts and what is filled into them. */
function strangeIn(line: string, texts: readonly string[]): readonly string[] {
  const known = new Array<boolean>(line.length).fill(false);
  for (const text of [...texts, ...FOREIGN]) {
    // A shorter one would be found anywhere.
    if (text.replaceAll(WILD, "").trim().length < 4) continue;
    const match = new RegExp(patternOf(text.trim()), "di").exec(line);
    const [whole = [0, 0], ...filled] = match?.indices ?? [];
    let at = whole[0];
    for (const [from = 0, to = 0] of [...filled.map((range) => range ?? []), [whole[1], whole[1]]]) {
      known.fill(true, at, from);
      at = to;
    }
  }
  const rest = [...line].map((character, at) => known[at] === true ? "\n" : character).join("");
  return rest.split("\n").filter((part) => !isData(part));
}

/** Numbers, addresses, paths, names and lists of them; a text has more words. */
function isData(part: string): boolean {
  return part.split(",").every((item) => item.split(" ").filter((word) => /^[a-z]+$/i.test(word)).length < 2);
}

for (const [command, sources] of Object.entries(SOURCES)) {
  const lines = (COMMAND_TEXTS[command as CommandName].lines ?? []).map(([line]) => line);
  const texts = sources.flatMap(textsOf);

  Deno.test(`what kvstore ${command} prints is in docs/command-line.md, and nothing else is`, () => {
    const missing = sources.filter(({ isSampled = false }) => !isSampled).flatMap(textsOf).filter(isForPeople).filter(
      (text) => {
        const pattern = new RegExp(patternOf(text.trim()), "i");
        return !lines.some((line) => pattern.test(line));
      },
    );
    assertEquals(missing, [], "texts without a line");
    assertEquals(lines.flatMap((line) => strangeIn(line, texts)), [], "parts of lines without a text");
  });
}

Deno.test("a text that has no line, and a line that has no text, are found", () => {
  const texts = [`Stopped after ${WILD} s: ${WILD}`, `node ${WILD} does not serve`];
  assertEquals(strangeIn("Stopped after 60 s: node 1 does not serve", texts), []);
  assertEquals(strangeIn("Stopped after 60 s: node 1 has no time", texts), ["node 1 has no time"]);
  assertEquals(strangeIn("Nothing like that", texts), ["Nothing like that"]);
  assertEquals(patternOf(`a (${WILD}) b?`), "a \\((.*?)\\) b\\?");
});
