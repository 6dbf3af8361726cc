/** Who may import whom. The table is the architecture: a new arrow is a decision, not a line of code. */

import { isProgram, layerOf, projectPath } from "../project.ts";

/** What one layer may import: layers of ours, and packages or built-in modules. */
interface Allowed {
  readonly layers: readonly string[];
  readonly packages: readonly RegExp[];
  /** Files outside `lib`. */
  readonly files?: readonly string[];
}

const NOTHING: readonly RegExp[] = [];
/** `node:events` is out: layers call each other by functions, not by named events. */
const PLATFORM: readonly RegExp[] = [/^node:(?!events$)/, /^@std\/(cli|fs|path)$/];
const BELOW_NODE: readonly string[] = ["base", "raft", "store", "kv", "storage", "transport", "observe"];
/** Sockets of clients, and what is spoken on them. */
const SPEAKERS: readonly string[] = ["access", "net", "protocol", "http", "dashboard"];
const BELOW_CLI: readonly string[] = [...BELOW_NODE, "node", ...SPEAKERS, "tls", "cluster", "client", "load"];

const LAYERS: ReadonlyMap<string, Allowed> = new Map<string, Allowed>([
  ["base", { layers: [], packages: [/^node:(buffer|util|zlib)$/] }],
  ["raft", { layers: ["base"], packages: NOTHING }],
  ["store", { layers: ["base"], packages: NOTHING }],
  ["kv", { layers: ["base", "store"], packages: NOTHING }],
  ["observe", { layers: ["base"], packages: PLATFORM, files: ["deno.json"] }],
  ["storage", { layers: ["base", "raft"], packages: PLATFORM }],
  ["transport", { layers: ["base", "raft"], packages: PLATFORM }],
  ["tls", { layers: ["base"], packages: PLATFORM }],
  ["client", { layers: ["base"], packages: PLATFORM }],
  ["load", { layers: ["base"], packages: PLATFORM }],
  ["node", { layers: BELOW_NODE, packages: PLATFORM }],
  ["access", { layers: [...BELOW_NODE, "node"], packages: PLATFORM }],
  ["net", { layers: ["base", "observe"], packages: NOTHING }],
  ["protocol", { layers: [...BELOW_NODE, "node", "access", "net"], packages: PLATFORM }],
  ["http", { layers: [...BELOW_NODE, "node", "access", "net"], packages: PLATFORM }],
  // uPlot runs in the browser only; the server hands its file out.
  ["dashboard", { layers: ["base", "http"], packages: [/^uplot$/] }],
  ["cluster", { layers: [...BELOW_NODE, "node", ...SPEAKERS, "tls"], packages: PLATFORM }],
  ["cli", { layers: BELOW_CLI, packages: PLATFORM }],
  ["main.ts", { layers: ["cli"], packages: NOTHING }],
  ["mod.ts", { layers: BELOW_CLI, packages: NOTHING }],
]);

/** Storage and transport carry what Raft says; they never call it. */
const CARRIERS: readonly string[] = ["storage", "transport"];
const CARRIED: readonly string[] = [
  "lib/raft/types.ts",
  "lib/raft/messages.ts",
  "lib/raft/run.ts",
  "lib/raft/configuration_codec.ts",
];

/** `layers`: reports an import that goes against the table above. */
export const layers: Deno.lint.Rule = {
  create(context) {
    const from = projectPath(context.filename);
    if (!isProgram(from)) return {};

    function check(node: Deno.lint.Node, specifier: unknown): void {
      const complaint = typeof specifier === "string"
        ? findComplaint(from, specifier)
        : "Cannot tell what is imported: name the module in a plain string";
      if (complaint !== undefined) context.report({ node, message: complaint });
    }

    return {
      ImportDeclaration: (node) => check(node, node.source.value),
      ExportAllDeclaration: (node) => check(node, node.source.value),
      ExportNamedDeclaration(node) {
        if (node.source !== null) check(node, node.source.value);
      },
      ImportExpression: (node) => check(node, node.source.type === "Literal" ? node.source.value : undefined),
      TSImportType(node) {
        const { argument } = node;
        check(
          node,
          argument.type === "TSLiteralType" && "value" in argument.literal ? argument.literal.value : undefined,
        );
      },
    };
  },
};

function findComplaint(from: string, specifier: string): string | undefined {
  const layer = layerOf(from);
  const allowed = layer === undefined ? undefined : LAYERS.get(layer);
  if (layer === undefined || allowed === undefined) {
    return `Cannot import from ${from}: its folder is not in the table of layers`;
  }
  if (!/^\.{0,2}\//.test(specifier)) {
    if (allowed.packages.some((pattern) => pattern.test(specifier))) return undefined;
    return `Cannot import "${specifier}" in ${layer}: this layer may not use that package`;
  }
  const to = new URL(specifier, `file:///${from}`).pathname.slice(1);
  if (allowed.files?.includes(to) === true) return undefined;
  const target = layerOf(to);
  if (target === undefined) return `Cannot import ${to} in ${layer}: it is not part of the program`;
  if (target === layer) return undefined;
  if (!allowed.layers.includes(target)) return `Cannot import ${to} in ${layer}: ${describe(layer, allowed)}`;
  if (target === "raft" && CARRIERS.includes(layer) && !CARRIED.includes(to)) {
    return `Cannot import ${to} in ${layer}: of raft it may import ${CARRIED.join(", ")} only`;
  }
  return undefined;
}

function describe(layer: string, { layers: targets }: Allowed): string {
  return targets.length === 0 ? `${layer} imports no other layer` : `${layer} may import ${targets.join(", ")} only`;
}
