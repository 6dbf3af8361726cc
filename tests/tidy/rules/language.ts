/** Parts of the language that this code does without, so that a reader meets one way of saying a thing. */

import { isProgram, projectPath } from "../project.ts";

/** `no-enum`: a union of string literals is checked as well, and is what stands in messages and files. */
export const noEnum: Deno.lint.Rule = {
  create(context) {
    return {
      TSEnumDeclaration: (node) =>
        context.report({ node, message: "Cannot use an enum: write a union of string literals" }),
    };
  },
};

/** `hash-private`: `#name` is private at run time too, `private name` only for the type checker. Constructors have no `#`. */
export const hashPrivate: Deno.lint.Rule = {
  create(context) {
    function check(range: Deno.lint.Range, accessibility: string | undefined): void {
      if (accessibility !== "private" && accessibility !== "protected") return;
      context.report({ range, message: `Cannot use the word ${accessibility}: write #name` });
    }
    return {
      PropertyDefinition: (node) => check(node.range, node.accessibility),
      MethodDefinition(node) {
        if (node.kind !== "constructor") check(node.range, node.accessibility);
      },
      TSParameterProperty(node) {
        // Deno leaves `accessibility` out of these.
        check(node.range, context.sourceCode.text.slice(...node.range).split(" ")[0]);
      },
    };
  },
};

/** `declared-function`: a function of a module of the program is declared with `function`. */
export const declaredFunction: Deno.lint.Rule = {
  create(context) {
    if (!isProgram(projectPath(context.filename))) return {};
    return {
      VariableDeclarator(node) {
        const { init, parent } = node;
        if (init?.type !== "ArrowFunctionExpression" && init?.type !== "FunctionExpression") return;
        const place = parent.parent.type === "ExportNamedDeclaration" ? parent.parent.parent : parent.parent;
        if (place.type !== "Program") return;
        context.report({
          node,
          message: "Cannot keep a function of a module in a variable: declare it with `function`",
        });
      },
    };
  },
};

/** `no-event-emitter`: layers call each other by functions that the type checker follows, not by named events. */
export const noEventEmitter: Deno.lint.Rule = {
  create(context) {
    if (!projectPath(context.filename).startsWith("lib/")) return {};
    const message = "Cannot use event emitters: call a function of the other layer";
    return {
      ImportDeclaration(node) {
        if (/^(node:)?events$/.test(node.source.value)) context.report({ node, message });
      },
      Identifier(node) {
        if (node.name === "EventEmitter" || node.name === "EventTarget") context.report({ node, message });
      },
    };
  },
};
