/** The settings of one run: flag before environment before configuration file before default. */

import { readConfigFile } from "./config_file.ts";
import { type FlagValue, readFlagValue } from "./flag_values.ts";
import { environmentName, type FlagName, FLAGS, isSetting } from "./flags.ts";
import type { Surroundings } from "./surroundings.ts";

/** A value that somebody gave, and how: `--port`, `KVSTORE_PORT` or `"port" in FILE`. */
export interface Given {
  readonly value: FlagValue;
  readonly origin: string;
}

/** Values by flag name. What nobody gave has its default. */
export class Settings {
  readonly #given: ReadonlyMap<FlagName, Given>;
  readonly #defaults = new Map<FlagName, FlagValue>();

  constructor(given: ReadonlyMap<FlagName, Given>) {
    this.#given = given;
    for (const flag of FLAGS) {
      if ("default" in flag) {
        this.#defaults.set(flag.name, readFlagValue(flag, { text: flag.default, origin: `--${flag.name}` }));
      }
    }
  }

  /** What somebody gave for a flag, and where; undefined when the default holds. */
  given(name: FlagName): Given | undefined {
    return this.#given.get(name);
  }

  /** A number that has a default. */
  integer(name: FlagName): number {
    const value = this.optionalInteger(name);
    if (value === undefined) throw new TypeError(`Flag ${name} has no default`);
    return value;
  }

  /** A number, or undefined when it is not given and has no default. */
  optionalInteger(name: FlagName): number | undefined {
    const value = this.#value(name);
    return value === undefined ? undefined : Number(value);
  }

  /** A decimal number that has a default. */
  decimal(name: FlagName): number {
    return this.integer(name);
  }

  /** A text that has a default. */
  text(name: FlagName): string {
    const value = this.optionalText(name);
    if (value === undefined) throw new TypeError(`Flag ${name} has no default`);
    return value;
  }

  /** A text, or undefined when it is not given and has no default. */
  optionalText(name: FlagName): string | undefined {
    const value = this.#value(name);
    return value === undefined ? undefined : String(value);
  }

  /** A switch; off unless given. */
  enabled(name: FlagName): boolean {
    return this.#value(name) === true;
  }

  #value(name: FlagName): FlagValue | undefined {
    return this.#given.get(name)?.value ?? this.#defaults.get(name);
  }
}

/** Reads all three sources strictly. Throws `UsageError`. */
export function settle(flags: ReadonlyMap<FlagName, string>, surroundings: Surroundings): Settings {
  const given = new Map<FlagName, Given>();
  const named = flags.get("config");
  if (named !== undefined) add(given, "config", { text: named, origin: "--config" });
  const configPath = named ?? surroundings.environment(environmentName("config"));
  if (configPath !== undefined && configPath !== "") {
    for (const [name, { text, origin }] of readConfigFile(configPath, surroundings)) add(given, name, { text, origin });
  }
  for (const flag of FLAGS) {
    const text = isSetting(flag) ? surroundings.environment(environmentName(flag.name)) : undefined;
    // An empty variable is how most tools that set environments say "not set".
    if (text !== undefined && text !== "") add(given, flag.name, { text, origin: environmentName(flag.name) });
  }
  for (const [name, text] of flags) add(given, name, { text, origin: `--${name}` });
  return new Settings(given);
}

function add(given: Map<FlagName, Given>, name: FlagName, { text, origin }: { text: string; origin: string }): void {
  const flag = FLAGS.find((candidate) => candidate.name === name);
  if (flag !== undefined) given.set(name, { value: readFlagValue(flag, { text, origin }), origin });
}
