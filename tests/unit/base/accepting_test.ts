/** Which failed accepts tell of the system, and which of one client only. */

import { assertEquals } from "@std/assert";
import { lacksResources } from "../../../lib/base/accepting.ts";

Deno.test("a failed accept tells of a lack of descriptors or memory by its code, and without one by its number", () => {
  const withCode = (code: string) => Object.assign(new Error("in some words"), { code });
  for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]) {
    assertEquals(lacksResources(withCode(code)), true, code);
  }
  for (const number of [12, 23, 24, 105]) {
    assertEquals(lacksResources(new Error(`In some words (os error ${number})`)), true, String(number));
  }
  for (const code of ["ENOTCONN", "ECONNABORTED", "EPROTO", "EPERM"]) {
    assertEquals(lacksResources(withCode(code)), false, code);
  }
  const others = [
    new Deno.errors.NotConnected("gone (os error 107)"),
    new Error("os error 10024"),
    "EMFILE",
    undefined,
  ];
  for (const other of others) assertEquals(lacksResources(other), false, String(other));
});
