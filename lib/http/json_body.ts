/** Reads a JSON body strictly: every value by its type, and the first thing wrong is told with its place. */

import { byteStringToText, textToByteString } from "../base/bytes.ts";
import { type Clock, nextTurn } from "../base/clock.ts";
import { LONG_BODY_BYTES } from "./server/limits.ts";

/** What is wrong with a body; the first complaint stays. */
interface Complaints {
  first: string | undefined;
}

/** A value of a body, and where it stands. Whatever is wrong gives a harmless value and a complaint. */
export class JsonValue {
  readonly #value: unknown;
  readonly #path: string;
  readonly #complaints: Complaints;

  private constructor(
    value: unknown,
    { path, complaints }: { readonly path: string; readonly complaints: Complaints },
  ) {
    this.#value = value;
    this.#path = path;
    this.#complaints = complaints;
  }

  /** The root of a body, which is a byte string. */
  static read(body: string): JsonValue {
    return JsonValue.#parse(byteStringToText(body));
  }

  /** The same for a body that may be long: as text, and as JSON, in a turn of the event loop each. */
  static async readInTurns(body: string, clock: Clock): Promise<JsonValue> {
    if (body.length < LONG_BODY_BYTES) return JsonValue.read(body);
    const text = byteStringToText(body);
    await nextTurn(clock);
    const root = JsonValue.#parse(text);
    await nextTurn(clock);
    return root;
  }

  static #parse(text: string | undefined): JsonValue {
    const complaints: Complaints = { first: undefined };
    const root = { path: "", complaints };
    if (text === undefined) complaints.first = "the body is not UTF-8";
    try {
      return new JsonValue(text === undefined ? null : JSON.parse(text), root);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      complaints.first = "the body is not JSON";
      return new JsonValue(null, root);
    }
  }

  /** What is wrong with the body as far as it was read, as a byte string; undefined when nothing is. */
  get complaint(): string | undefined {
    const { first } = this.#complaints;
    return first === undefined ? undefined : textToByteString(first);
  }

  /** Refuses every field of this object but these. */
  only(names: readonly string[]): void {
    const other = Object.keys(this.#object()).find((name) => !names.includes(name));
    if (other !== undefined) this.complain(`has an unknown field "${shorten(other)}"; known are ${names.join(", ")}`);
  }

  /** Names of the fields of this object. */
  names(): readonly string[] {
    return Object.keys(this.#object());
  }

  /** A field; a missing one is found out when it is read. */
  field(name: string): JsonValue {
    const object = this.#object();
    return this.#child(Object.hasOwn(object, name) ? object[name] : undefined, `${this.#path}/${name}`);
  }

  /** A field, or undefined when it is missing. */
  optional(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#object(), name) ? this.field(name) : undefined;
  }

  /** The items of this list. */
  items(): readonly JsonValue[] {
    if (!Array.isArray(this.#value)) {
      this.complain("must be a list");
      return [];
    }
    return this.#value.map((item: unknown, at) => this.#child(item, `${this.#path}/${at}`));
  }

  /** A text as the byte string of its UTF-8 form. */
  text(): string {
    if (typeof this.#value === "string" && this.#value.isWellFormed()) return textToByteString(this.#value);
    // UTF-8 has no bytes for half a surrogate pair: as U+FFFD two different keys would become one.
    const what = typeof this.#value === "string" ? "has a lone surrogate, which UTF-8 cannot say" : "must be a string";
    this.complain(what);
    return "";
  }

  /** An integer from `least` to `most`. */
  integer({ least, most }: { readonly least: number; readonly most: number }): number {
    const value = this.#value;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    this.complain(`must be an integer from ${least} to ${most}`);
    return least;
  }

  /** A text or an integer, as a byte string. */
  textOrInteger(): string {
    if (typeof this.#value === "number" && Number.isSafeInteger(this.#value)) return String(this.#value);
    if (typeof this.#value === "boolean") return this.#value ? "1" : "0";
    return this.text();
  }

  /** True or false. */
  flag(): boolean {
    if (typeof this.#value !== "boolean") this.complain("must be true or false");
    return this.#value === true;
  }

  /** A word of a command: a text, an integer, or an object with `base64`. */
  word(): string {
    if (typeof this.#value !== "object") return this.textOrInteger();
    this.only(["base64"]);
    return this.field("base64").#decoded();
  }

  /** Any bytes: the field `name` as text, or `<name>_base64`. */
  bytes(name: string): string {
    const coded = this.optional(`${name}_base64`);
    if (coded === undefined) return this.field(name).text();
    if (this.optional(name) !== undefined) this.complain(`has both ${name} and ${name}_base64`);
    return coded.#decoded();
  }

  /** Notes that this value is not what it should be. */
  complain(what: string): void {
    this.#complaints.first ??= `${this.#path === "" ? "the body" : shorten(this.#path)} ${what}`;
  }

  #decoded(): string {
    const text = typeof this.#value === "string" ? this.#value : this.text();
    const bytes = decodeBase64(text);
    if (bytes === undefined) this.complain("must be base64");
    return bytes ?? "";
  }

  #object(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
    this.complain("must be an object");
    return {};
  }

  #child(value: unknown, path: string): JsonValue {
    return new JsonValue(value, { path, complaints: this.#complaints });
  }
}

const BASE64_QUANTUM = 4;
const QUANTUM_BYTES = 3;

/** The bytes of padded base64 without white space; undefined for anything else. */
export function decodeBase64(text: string): string | undefined {
  if (text.length % BASE64_QUANTUM !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  try {
    const bytes = atob(text);
    // White space is passed over, and then fewer bytes come out. An expression takes 40 ms for 8 MiB.
    return bytes.length === text.length / BASE64_QUANTUM * QUANTUM_BYTES - padding ? bytes : undefined;
  } catch {
    return undefined; // Another character, or padding in the middle.
  }
}

const SHOWN_LENGTH_MAX = 100;

function shorten(text: string): string {
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}...`;
}
