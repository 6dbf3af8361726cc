/** Where a master key comes from, and what is said when there is none. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MasterKeyError } from "../../../lib/base/errors.ts";
import { KEY_COMMAND_BYTES_MAX, readMasterKeys, runKeyCommand } from "../../../lib/cli/master_key.ts";
import { settle } from "../../../lib/cli/settings.ts";
import type { FlagName } from "../../../lib/cli/flags.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { PROCESS_SURROUNDINGS } from "../../../lib/cli/surroundings.ts";

const KEY = "0123456789abcdef".repeat(4);
const ignore = Deno.build.os === "windows";

function settingsOf(flags: Partial<Record<FlagName, string>>, environment: Readonly<Record<string, string>> = {}) {
  return settle(new Map(Object.entries(flags)) as ReadonlyMap<FlagName, string>, {
    ...PROCESS_SURROUNDINGS,
    environment: (name) => environment[name],
  });
}

async function withFile(text: string, use: (path: string) => Promise<void>, mode = 0o600): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test(
  "a master key comes from a file, the environment or a program, and is the same one",
  { ignore },
  () =>
    withFile(KEY, async (path) => {
      const ids = await Promise.all([
        readMasterKeys(settingsOf({ "master-key-file": path })),
        readMasterKeys(settingsOf({}, { KVSTORE_MASTER_KEY: KEY })),
        readMasterKeys(settingsOf({ "master-key-command": `/bin/cat  ${path}` })),
      ]);
      assertEquals(new Set(ids.map((keys) => keys?.map(({ id }) => id).join())).size, 1);
      assertEquals(ids[0]?.length, 1);
      assertEquals(await readMasterKeys(settingsOf({})), undefined);
    }),
);

Deno.test("two ways at once, a key on the command line and a file that others can read are refused in one line", {
  ignore,
}, async () => {
  const twice = settingsOf({ "master-key-file": "f", "master-key-command": "c" });
  assertMatch((await assertRejects(() => readMasterKeys(twice), UsageError)).message, /given twice/);
  const shown = await assertRejects(() => readMasterKeys(settingsOf({ "master-key": KEY })), UsageError);
  assertMatch(shown.message, /would show the key to every user/);
  assert(!shown.message.includes(KEY));
  await withFile(KEY, async (path) => {
    const { message } = await assertRejects(
      () => readMasterKeys(settingsOf({ "master-key-file": path })),
      MasterKeyError,
    );
    assertMatch(message, /^Everybody on this machine can read the master key/);
  }, 0o644);
  const missing = await assertRejects(
    () => readMasterKeys(settingsOf({ "master-key-file": "/no/such/file" })),
    MasterKeyError,
  );
  assertMatch(missing.message, /^Cannot read the master key \/no\/such\/file: /);
});

Deno.test("a program that fails, prints too much or takes too long is told of in one line, without what it printed", {
  ignore,
}, async (t) => {
  const script = (lines: string, use: (path: string) => Promise<void>) => withFile(`#!/bin/sh\n${lines}\n`, use, 0o700);
  const cases: readonly [string, string, RegExp][] = [
    ["fails", `echo ${KEY}; echo first >&2; echo 'no\taccess' >&2; exit 3`, /ended with exit code 3: no\?access$/],
    ["says nothing", "exit 1", /ended with exit code 1$/],
    ["prints too much", `head -c ${KEY_COMMAND_BYTES_MAX + 1} /dev/zero`, /printed more than 4096 bytes$/],
    ["goes on for ever", "yes", /printed more than 4096 bytes$/],
    ["is killed", "kill -9 $$", /was ended by SIGKILL$/],
  ];
  for (const [name, lines, expected] of cases) {
    await t.step(name, () =>
      script(lines, async (path) => {
        const { message } = await assertRejects(() => runKeyCommand(path, { origin: "ORIGIN" }), MasterKeyError);
        assertMatch(message, expected);
        assert(!message.includes(KEY) && !message.includes("\n"), message);
      }));
  }
  await t.step(
    "takes too long, and so does what it has started",
    () =>
      script("sleep 20; echo too late", async (path) => {
        const running = runKeyCommand(path, { origin: "ORIGIN", timeoutMs: 200 });
        assertMatch((await assertRejects(() => running, MasterKeyError)).message, /was not done within 0\.2 s$/);
      }),
  );
  await t.step("is not there", async () => {
    const running = () => runKeyCommand("/no/such/program now", { origin: "ORIGIN" });
    assertMatch((await assertRejects(running, MasterKeyError)).message, /ORIGIN cannot be run: /);
  });
  await t.step("no shell reads it", () =>
    withFile(KEY, async (path) => {
      assertEquals(await runKeyCommand(`/bin/echo $(cat ${path})`, { origin: "ORIGIN" }), `$(cat ${path})\n`);
    }));
});
