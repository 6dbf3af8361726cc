/** Strict reading of JSON headers: every field has a type and a range, and one wrong field spoils the whole frame. */

import { NODE_ID_MAX } from "../raft/types.ts";

/** Longest text in a header; ids, addresses and reasons are far below it. */
export const TEXT_CHARACTERS_MAX = 1_024;

/** The fields of one JSON object. A field that is missing or wrong gives a neutral value and makes `valid` false. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  #valid = true;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** True while every field asked for was there and well formed. */
  get valid(): boolean {
    return this.#valid;
  }

  /** The name of the message or control frame; "" when it has none. */
  get rpc(): string {
    const name = this.#values["rpc"];
    return typeof name === "string" ? name : "";
  }

  /** A non-negative safe integer. */
  count(name: string): number {
    const value = this.#values[name];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value + 0; // + 0 turns -0 into 0.
    return this.reject(0);
  }

  /** A finite number that is not negative. */
  amount(name: string): number {
    const value = this.#values[name];
    return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : this.reject(0);
  }

  /** 0 to `NODE_ID_MAX`. */
  nodeId(name: string): number {
    const id = this.count(name);
    return id <= NODE_ID_MAX ? id : this.reject(0);
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    return typeof value === "boolean" ? value : this.reject(false);
  }

  /** A flag that is left out where it is false. */
  mark(name: string): boolean {
    return !this.absent(name) && this.flag(name);
  }

  /** Text of at most `TEXT_CHARACTERS_MAX` characters. */
  text(name: string): string {
    const value = this.#values[name];
    return typeof value === "string" && value.length <= TEXT_CHARACTERS_MAX ? value : this.reject("");
  }

  /** True when the field is null or missing. */
  absent(name: string): boolean {
    return this.#values[name] === undefined || this.#values[name] === null;
  }

  /** The field as it came, for a reader of its own. */
  raw(name: string): unknown {
    return this.#values[name];
  }

  /** The fields of a nested object, to be read by `read`; its errors are errors of this object. */
  nested<T>(name: string, read: (fields: Fields) => T): T {
    const value = this.#values[name];
    const fields = new Fields(isRecord(value) ? value : this.reject({}));
    const result = read(fields);
    if (!fields.valid) this.reject(undefined);
    return result;
  }

  /** The same for each object of a list. */
  list<T>(name: string, { lengthMax, read }: { readonly lengthMax: number; read(fields: Fields): T }): readonly T[] {
    const value = this.#values[name];
    const items: readonly unknown[] = Array.isArray(value) && value.length <= lengthMax ? value : this.reject([]);
    return items.map((item) => {
      const nest = new Fields({ item });
      const result = nest.nested("item", read);
      if (!nest.valid) this.reject(undefined);
      return result;
    });
  }

  /** Marks the object as malformed and gives `neutral` back. */
  reject<T>(neutral: T): T {
    this.#valid = false;
    return neutral;
  }
}

/** The fields of a header, or undefined when it is not one JSON object. */
export function parseFields(header: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(header);
    return isRecord(value) ? new Fields(value) : undefined;
  } catch {
    return undefined; // Not JSON: the frame is refused as one of another shape is.
  }
}

/** JSON in ASCII: what is above is escaped, so that one character of a header is always one byte. */
export function asciiJson(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
