/** The pure layers are functions of their input: no waiting, no clock, no chance, no I/O, no locale. */

import { layerOf, projectPath } from "../project.ts";

const PURE_LAYERS: readonly string[] = ["raft", "store", "kv"];

/** Globals that wait, measure, draw, print or reach outside. `Math` and `String` are fine but for the members below. */
const GLOBALS: ReadonlySet<string> = new Set([
  "AsyncGenerator",
  "AsyncIterable",
  "AsyncIterator",
  "Atomics",
  "AbortController",
  "AbortSignal",
  "BroadcastChannel",
  "Date",
  "Deno",
  "EventTarget",
  "FinalizationRegistry",
  "Function",
  "Intl",
  "MessageChannel",
  "Promise",
  "PromiseLike",
  "ReadableStream",
  "SharedArrayBuffer",
  "Temporal",
  "WeakRef",
  "Worker",
  "WritableStream",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "eval",
  "fetch",
  "globalThis",
  "localStorage",
  "navigator",
  "performance",
  "process",
  "queueMicrotask",
  "self",
  "setImmediate",
  "setInterval",
  "setTimeout",
]);

/** Members whose result depends on chance or on the locale, whatever they are called on. */
const MEMBERS: ReadonlySet<string> = new Set([
  "random",
  "localeCompare",
  "toLocaleLowerCase",
  "toLocaleString",
  "toLocaleUpperCase",
  "toLocaleDateString",
  "toLocaleTimeString",
]);

/** `purity`: in `lib/raft`, `lib/store` and `lib/kv`, reports what makes a result depend on more than the arguments. */
export const purity: Deno.lint.Rule = {
  create(context) {
    const layer = layerOf(projectPath(context.filename));
    if (layer === undefined || !PURE_LAYERS.includes(layer)) return {};

    function report(node: Deno.lint.Node, what: string): void {
      context.report({ node, message: `Cannot use ${what} in ${layer}: it is a pure, synchronous layer` });
    }

    function checkFunction(node: Deno.lint.Node & { readonly async: boolean }): void {
      if (node.async) report(node, "an async function");
    }

    return {
      AwaitExpression: (node) => report(node, "await"),
      ForOfStatement(node) {
        if (node.await) report(node, "for await");
      },
      VariableDeclaration(node) {
        if (node.kind === "await using") report(node, "await using");
      },
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
      ImportExpression: (node) => report(node, "a dynamic import"),
      Identifier(node) {
        if (GLOBALS.has(node.name) && !isName(node)) report(node, node.name);
      },
      MemberExpression(node) {
        const { property } = node;
        const name = property.type === "Literal"
          ? property.value
          : !node.computed && "name" in property && property.name;
        if (typeof name !== "string" || !MEMBERS.has(name)) return;
        // A generator of ours may well be called `random`; only the one of Math is out.
        if (name !== "random" || context.sourceCode.getText(node.object) === "Math") report(node, name);
      },
    };
  },
};

/** Whether an identifier only names a member, as in `entry.Date` or `{ Date: 1 }`. */
function isName(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return !parent.computed && covers(parent.property, node);
    case "Property":
      return !parent.computed && !parent.shorthand && covers(parent.key, node);
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return !parent.computed && covers(parent.key, node);
    default:
      return false;
  }
}

function covers(part: Deno.lint.Node, node: Deno.lint.Node): boolean {
  return part.range[0] === node.range[0] && part.range[1] === node.range[1];
}
