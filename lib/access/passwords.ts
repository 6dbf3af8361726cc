/** Passwords and what the cluster keeps of them: scrypt, computed outside of the event loop. */

import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { readToken } from "./tokens.ts";

/** Shortest and longest password, in bytes. */
export const PASSWORD_BYTES = { least: 8, most: 256 } as const;

/** N = 2^14, r = 8, p = 1: 16 MiB of memory and some 50 ms for each attempt. */
const COST = { N: 16_384, r: 8, p: 1 } as const;
const FORM = "scrypt:14:8:1";
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** Stands for the user that does not exist, so that asking for it takes as long. */
const NOBODY = `${FORM}:${"0".repeat(2 * SALT_BYTES)}:${"0".repeat(2 * KEY_BYTES)}`;

/** What is wrong with a password, a byte string; undefined for nothing. */
export function passwordProblem(password: string): string | undefined {
  if (readToken(password) !== undefined) return "the password has the form of a token, and would be taken for one";
  const { least, most } = PASSWORD_BYTES;
  if (password.length >= least && password.length <= most) return undefined;
  return `the password has ${password.length} bytes: it needs ${least} to ${most}`;
}

/** What is kept of a password, another one each time. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt);
  return `${FORM}:${salt.toString("hex")}:${key.toString("hex")}`;
}

/** Whether that was kept of this password; undefined is nobody's. Takes as long for every answer. */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, , , , salt = "", key = ""] = (hash ?? NOBODY).split(":");
  const expected = Buffer.from(key, "hex");
  const derived = await derive(password, Buffer.from(salt, "hex"));
  const isEqual = expected.length === derived.length && timingSafeEqual(expected, derived);
  return isEqual && hash !== undefined;
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(Buffer.from(password, "latin1"), salt, KEY_BYTES, COST, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
