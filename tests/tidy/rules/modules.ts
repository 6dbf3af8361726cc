/** How a module is named and what it exports: one place for each thing, found by one search. */

import { isProgram, projectPath } from "../project.ts";

/** Deno loads a lint plugin through its default export: that file is what the rule is not about. */
const PLUGIN = "tests/tidy/plugin.ts";
const FILE_NAME = /^[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.(ts|js|tsx)$/;

/** `no-default-export`: a default export has a name of its own at each importer. */
export const noDefaultExport: Deno.lint.Rule = {
  create(context) {
    if (projectPath(context.filename) === PLUGIN) return {};
    const message = "Cannot export by default: name the export";
    return {
      ExportDefaultDeclaration: (node) => context.report({ node, message }),
      ExportSpecifier(node) {
        if (textOf(node.exported) === "default") context.report({ node, message });
      },
    };
  },
};

/** `no-barrel`: inside `lib`, a name is imported from the file that declares it. */
export const noBarrel: Deno.lint.Rule = {
  create(context) {
    if (!projectPath(context.filename).startsWith("lib/")) return {};
    const imported = new Set<string>();
    const message = "Cannot re-export: import it from the file that declares it";
    return {
      ImportDeclaration(node) {
        for (const { local } of node.specifiers) imported.add(local.name);
      },
      ExportAllDeclaration: (node) => context.report({ node, message }),
      ExportNamedDeclaration(node) {
        const again = node.source !== null || node.specifiers.some(({ local }) => imported.has(textOf(local)));
        if (again) context.report({ node, message });
      },
    };
  },
};

/** `file-name`: files are named in snake_case. */
export const fileName: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node) {
        const name = projectPath(context.filename).split("/").at(-1) ?? "";
        if (!FILE_NAME.test(name)) context.report({ node, message: `File name ${name} is not in snake_case` });
      },
    };
  },
};

/** `documented`: each exported declaration of the program says in a doc comment what it is for. */
export const documented: Deno.lint.Rule = {
  create(context) {
    if (!isProgram(projectPath(context.filename))) return {};
    return {
      ExportNamedDeclaration(node) {
        if (node.declaration === null) return;
        const comment = context.sourceCode.getCommentsBefore(node).at(-1);
        if (comment?.type === "Block" && comment.value.startsWith("*")) return;
        context.report({ node, message: "Cannot export without a doc comment: say in one sentence what it is for" });
      },
    };
  },
};

function textOf(name: Deno.lint.Identifier | Deno.lint.StringLiteral): string {
  return name.type === "Identifier" ? name.name : name.value;
}
