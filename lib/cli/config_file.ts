/** Reads the file of `--config`: one JSON object whose keys are flag names. */

import { ExposedFileError } from "../base/private_files.ts";
import { findFlag, type FlagName, FLAGS, isSetting } from "./flags.ts";
import type { Surroundings } from "./surroundings.ts";
import { nearest, quoteForPeople, UsageError } from "./usage_error.ts";

/**
 * The values of a configuration file as text, each with its place. Throws `UsageError` that names file and key, also for a secret in a file
 * that everybody can read.
 */
export function readConfigFile(
  path: string,
  surroundings: Surroundings,
): ReadonlyMap<FlagName, { text: string; origin: string }> {
  const values = new Map<FlagName, { text: string; origin: string }>();
  for (const [key, value] of Object.entries(readObject(path, surroundings))) {
    const flag = findFlag(key);
    if (flag === undefined || !isSetting(flag)) throw unknownKey(path, key);
    const origin = `"${key}" in ${path}`;
    if (flag.secret === true && surroundings.isExposedFile(path)) {
      throw new UsageError(new ExposedFileError(`"${key}" in`, path).message);
    }
    values.set(flag.name, { text: asText(value, { origin, list: flag.kind === "text" }), origin });
  }
  return values;
}

function readObject(path: string, surroundings: Surroundings): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(surroundings.readTextFile(path));
  } catch (error) {
    const why = error instanceof Error ? firstLine(error.message) : String(error);
    throw new UsageError(`Cannot read configuration file ${path}: ${why}`);
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw new UsageError(`Configuration file ${path} must hold one JSON object, for example {"port": 5000}`);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function unknownKey(path: string, key: string): UsageError {
  const near = nearest(key, FLAGS.filter(isSetting).map((flag) => flag.name));
  return new UsageError(`Unknown key ${quoteForPeople(key)} in configuration file ${path}; did you mean "${near}"?`);
}

function asText(value: unknown, { origin, list }: { origin: string; list: boolean }): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
      return String(value);
    default:
      if (list && Array.isArray(value)) return value.map((item) => asText(item, { origin, list: false })).join(",");
      throw new UsageError(`${origin} must be a text, a number, true or false, not ${quoteForPeople(shown(value))}`);
  }
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (error) {
    if (error instanceof RangeError) return "[...]"; // Nested too deep to be shown.
    throw error;
  }
}
