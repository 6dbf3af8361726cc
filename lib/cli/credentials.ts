/** Users and passwords for the command line: from the environment, a file, or a terminal that does not show them; never from a flag. */

import { textToByteString } from "../base/bytes.ts";
import { ExposedFileError, readPrivateText } from "../base/private_files.ts";
import { passwordProblem } from "../access/passwords.ts";
import { readToken, TOKEN_USER } from "../access/tokens.ts";
import type { FirstUser } from "../access/first_user.ts";
import { isUserName } from "../kv/users.ts";
import { environmentName, type FlagName } from "./flags.ts";
import { Failure } from "./failures.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

/** A user with his password, as text. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** Somebody who can be asked for a password; tests give their own. */
export interface PasswordPrompt {
  isThere(): boolean;
  /** What was typed, without showing it; undefined when it was broken off. */
  ask(question: string): string | undefined;
}

const DEFAULT_USER = "default";

/** Whom to log in as; undefined for nobody. Throws `UsageError`, `Failure`. */
export function readCredentials(settings: Settings, prompt: PasswordPrompt = TERMINAL): Credentials | undefined {
  const name = settings.optionalText("user");
  const token = readSecret(settings, { value: "token", file: "token-file" });
  const given = readSecret(settings, { value: "password", file: "password-file" });
  if (token !== undefined) {
    const other = settings.given("password") ?? settings.given("password-file") ?? settings.given("user");
    if (other === undefined) return { name: TOKEN_USER, password: checkedToken(token) };
    throw new UsageError(`A token says by itself whose it is: give it, or ${other.origin}, and not both`);
  }
  if (given !== undefined) return { name: name ?? DEFAULT_USER, password: given };
  if (name === undefined) return undefined;
  if (!prompt.isThere()) {
    throw new UsageError("--user needs a password: give --password-file FILE, or KVSTORE_PASSWORD");
  }
  return { name, password: askOnce(prompt, `Password of ${name}: `) };
}

/** Whom to log in as at the Redis of `--from-redis`, where a password may have no user; undefined for nobody. Throws `UsageError`. */
export function readRedisCredentials(
  settings: Settings,
): { readonly name?: string; readonly password: string } | undefined {
  const password = readSecret(settings, { value: "redis-password", file: "redis-password-file" });
  const name = settings.optionalText("redis-user");
  if (password !== undefined) return name === undefined ? { password } : { name, password };
  if (name === undefined) return undefined;
  throw new UsageError("--redis-user needs a password: give --redis-password-file FILE, or KVSTORE_REDIS_PASSWORD");
}

/** The password that a user gets. Throws `UsageError`, `Failure`. */
export function readNewPassword(settings: Settings, name: string, prompt: PasswordPrompt = TERMINAL): string {
  const given = readSecret(settings, { value: "new-password", file: "new-password-file" });
  if (given !== undefined) return checked(given, name);
  if (!prompt.isThere()) {
    throw new UsageError(`A password for ${name} is needed: give --new-password-file FILE, or KVSTORE_NEW_PASSWORD`);
  }
  const password = checked(askOnce(prompt, `New password of ${name}: `), name);
  if (askOnce(prompt, "Once more: ") !== password) throw new Failure("The two are not the same: nothing was done");
  return password;
}

/** The first user of a cluster, byte strings; undefined for none. Throws `UsageError`. */
export function readFirstUser(settings: Settings): FirstUser | undefined {
  const given = readSecret(settings, { value: "bootstrap-user", file: "bootstrap-user-file" });
  if (given === undefined) return undefined;
  const colon = given.indexOf(":");
  const [name, password] = [given.slice(0, colon), given.slice(colon + 1)];
  if (colon < 0 || !isUserName(name)) {
    throw new UsageError("The first user is written as name:password, with a name of letters and digits");
  }
  return { name, password: textToByteString(checked(password, name)) };
}

/** What other users of the machine could read is refused. A line end at the end of a file is none of the secret. */
function readSecret(
  settings: Settings,
  { value, file }: { readonly value: FlagName; readonly file: FlagName },
): string | undefined {
  const given = settings.given(value);
  const path = settings.given(file);
  if (given?.origin === `--${value}`) {
    throw new UsageError(
      `--${value} would show the ${
        value === "token" ? "token" : "password"
      } to every user of this machine; give --${file} FILE, or ${environmentName(value)}`,
    );
  }
  if (given !== undefined && path !== undefined) {
    throw new UsageError(`--${value} is given twice, by ${given.origin} and by ${path.origin}; give one`);
  }
  if (path === undefined) return given === undefined ? undefined : String(given.value);
  try {
    return readPrivateText(String(path.value), `--${file}`).replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof ExposedFileError) throw new UsageError(error.message);
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Cannot read --${file} ${String(path.value)}: ${why}`);
  }
}

/** What is no token might be a password in the wrong place, and is not sent. */
function checkedToken(token: string): string {
  if (readToken(token) !== undefined) return token;
  throw new UsageError("What is given as a token is none: they begin with kvs_, as kvstore user token add shows them");
}

function checked(password: string, name: string): string {
  const problem = passwordProblem(textToByteString(password));
  if (problem === undefined) return password;
  throw new UsageError(`Cannot take that as the password of ${name}: ${problem}`);
}

function askOnce(prompt: PasswordPrompt, question: string): string {
  const typed = prompt.ask(question);
  if (typed === undefined) throw new Failure("Nothing was done");
  return typed;
}

const [CTRL_C, CTRL_D, BACKSPACE, DELETE, CTRL_U] = [0x03, 0x04, 0x08, 0x7f, 0x15];
const LINE_ENDS: readonly number[] = [0x0a, 0x0d];

const TERMINAL: PasswordPrompt = {
  isThere: () => Deno.stdin.isTerminal() && Deno.stderr.isTerminal(),
  ask: (question) => {
    const show = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
    show(question);
    Deno.stdin.setRaw(true);
    try {
      return readHidden(() => {
        const byte = new Uint8Array(1);
        return Deno.stdin.readSync(byte) === null ? undefined : byte[0];
      });
    } finally {
      Deno.stdin.setRaw(false);
      show("\n");
    }
  },
};

/** The line that is typed, byte by byte; undefined when it is broken off. */
export function readHidden(next: () => number | undefined): string | undefined {
  let bytes: number[] = [];
  for (;;) {
    const byte = next();
    if (byte === undefined || byte === CTRL_C || (byte === CTRL_D && bytes.length === 0)) return undefined;
    if (LINE_ENDS.includes(byte)) return new TextDecoder().decode(new Uint8Array(bytes));
    if (byte === CTRL_U) bytes = [];
    else if (byte === BACKSPACE || byte === DELETE) dropCharacter(bytes);
    else bytes.push(byte);
  }
}

/** The bytes of one character of UTF-8. */
function dropCharacter(bytes: number[]): void {
  while (((bytes.at(-1) ?? 0) & 0xc0) === 0x80) bytes.pop();
  bytes.pop();
}
