/** The lint plugin of this project: the rules of docs and CONTRIBUTING that a machine can check. It has no exceptions. */

import { declaredFunction, hashPrivate, noEnum, noEventEmitter } from "./rules/language.ts";
import { layers } from "./rules/layers.ts";
import { documented, fileName, noBarrel, noDefaultExport } from "./rules/modules.ts";
import { purity } from "./rules/purity.ts";
import { fileSize, functionSize, parameters } from "./rules/sizes.ts";

/** Deno wants it as the default export. */
const plugin: Deno.lint.Plugin = {
  name: "tidy",
  rules: {
    "layers": layers,
    "purity": purity,
    "file-size": fileSize,
    "function-size": functionSize,
    "parameters": parameters,
    "file-name": fileName,
    "no-default-export": noDefaultExport,
    "no-barrel": noBarrel,
    "no-enum": noEnum,
    "no-event-emitter": noEventEmitter,
    "documented": documented,
    "declared-function": declaredFunction,
    "hash-private": hashPrivate,
  },
};

export default plugin;
