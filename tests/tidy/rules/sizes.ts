/** Caps on files and functions, for the program, its tests and its tools alike, and on the parameters of the program. */

import { isProgram, projectPath } from "../project.ts";

/** A file has one responsibility; aim at 150 lines. */
const FILE_LINES_MAX = 400;
/** Aim at 25 lines. */
const FUNCTION_LINES_MAX = 70;
const POSITIONAL_PARAMETERS_MAX = 2;

/** A function of ours, in any of its forms. */
type AnyFunction = Deno.lint.FunctionDeclaration | Deno.lint.FunctionExpression | Deno.lint.ArrowFunctionExpression;

/** `file-size`: reports a file above the cap. */
export const fileSize: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node) {
        const count = context.sourceCode.text.trimEnd().split("\n").length;
        if (count <= FILE_LINES_MAX) return;
        context.report({ node, message: `File has ${count} lines: at most ${FILE_LINES_MAX} are allowed` });
      },
    };
  },
};

/** `function-size`: reports a function above the cap, counted from its first line to its last. */
export const functionSize: Deno.lint.Rule = {
  create(context) {
    function check(node: AnyFunction): void {
      const count = context.sourceCode.getText(node).split("\n").length;
      if (count <= FUNCTION_LINES_MAX) return;
      context.report({ node, message: `Function has ${count} lines: at most ${FUNCTION_LINES_MAX} are allowed` });
    }
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

/**
 * `parameters`: in the program, reports more than two positional parameters. A third one is an options object: it is called `options`, is
 * taken apart in braces, or has an object type; it may also be one that a caller can leave out. A function written as an
 * argument is free, since its caller decides what it is given.
 */
export const parameters: Deno.lint.Rule = {
  create(context) {
    if (!isProgram(projectPath(context.filename))) return {};
    function check(node: AnyFunction): void {
      if (node.type !== "FunctionDeclaration" && isArgument(node)) return;
      const positional = node.params.filter((parameter) => !isThis(parameter));
      const last = positional.at(-1);
      if (last !== undefined && (isOptional(last) || isObject(last))) positional.pop();
      if (positional.length <= POSITIONAL_PARAMETERS_MAX) return;
      context.report({
        node,
        message: `Function has ${positional.length} positional parameters: ` +
          `take at most ${POSITIONAL_PARAMETERS_MAX}, then an options object`,
      });
    }
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

function isArgument(node: AnyFunction): boolean {
  const { parent } = node;
  return (parent.type === "CallExpression" || parent.type === "NewExpression") &&
    parent.arguments.some(({ range }) => range[0] === node.range[0]);
}

function isThis(parameter: Deno.lint.Parameter): boolean {
  return parameter.type === "Identifier" && parameter.name === "this";
}

function isOptional(parameter: Deno.lint.Parameter): boolean {
  const bare = withoutModifiers(parameter);
  return bare.type === "AssignmentPattern" || bare.type === "RestElement" ||
    (bare.type === "Identifier" && bare.optional);
}

/** Whether a parameter is an object as far as the file shows: arrays, functions, primitive and unknown types are not. */
function isObject(parameter: Deno.lint.Parameter): boolean {
  const bare = withoutModifiers(parameter);
  if (bare.type === "ObjectPattern") return true;
  if (bare.type !== "Identifier") return false;
  const type = bare.typeAnnotation?.typeAnnotation.type;
  return bare.name === "options" || type === "TSTypeReference" || type === "TSTypeLiteral" ||
    type === "TSIntersectionType";
}

function withoutModifiers(parameter: Deno.lint.Parameter): Exclude<Deno.lint.Parameter, Deno.lint.TSParameterProperty> {
  return parameter.type === "TSParameterProperty" ? parameter.parameter : parameter;
}
