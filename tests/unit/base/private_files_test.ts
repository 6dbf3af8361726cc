import { assertEquals, assertThrows } from "@std/assert";
import { ExposedFileError, isExposed, readPrivateText } from "../../../lib/base/private_files.ts";

const ON_WINDOWS = Deno.build.os === "windows";

Deno.test("a mode that lets strangers in exposes a file, one for a group does not", () => {
  for (const mode of [0o600, 0o400, 0o640, 0o660, 0o100600]) assertEquals(isExposed(mode), false);
  for (const mode of [0o644, 0o604, 0o602, 0o601, 0o100644]) assertEquals(isExposed(mode), !ON_WINDOWS);
  assertEquals(isExposed(null), false);
});

Deno.test({
  name: "a secret that strangers can read is not read, and the line says what to do",
  ignore: ON_WINDOWS,
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(path, "a secret\n");
      assertEquals(readPrivateText(path, "the secret"), "a secret\n");
      await Deno.chmod(path, 0o640);
      assertEquals(readPrivateText(path, "the secret"), "a secret\n");
      await Deno.chmod(path, 0o644);
      const { message } = assertThrows(() => readPrivateText(path, "the secret"), ExposedFileError);
      assertEquals(
        message,
        `Everybody on this machine can read the secret ${path}: chmod 600 it, or 640 for a group`,
      );
    } finally {
      await Deno.remove(path);
    }
    assertThrows(() => readPrivateText(path, "the secret"), Deno.errors.NotFound);
    // What is no file has nothing of its own to protect.
    assertEquals(readPrivateText("/dev/null", "the secret"), "");
  },
});
