/** Users and passwords of the command line: where they come from, and that nothing of them is told. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type PasswordPrompt,
  readCredentials,
  readFirstUser,
  readHidden,
  readNewPassword,
} from "../../../lib/cli/credentials.ts";
import { TOKEN_USER } from "../../../lib/access/tokens.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { History } from "../../../lib/cli/shell/history.ts";
import { runUserCommand } from "../../../lib/cli/user_command.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { tokenOf } from "../../support/tokens.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

const NOBODY: PasswordPrompt = { isThere: () => false, ask: () => undefined };

/** Somebody who types these answers. */
function typing(...answers: readonly (string | undefined)[]): PasswordPrompt & { readonly questions: string[] } {
  const left = [...answers];
  const questions: string[] = [];
  return {
    questions,
    isThere: () => true,
    ask: (question) => {
      questions.push(question);
      return left.shift();
    },
  };
}

async function withFile(text: string, body: (path: string) => void): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("whom to log in as comes from flags and a file, or is asked for; without anything it is nobody", async () => {
  assertEquals(readCredentials(settingsOf("cli"), NOBODY), undefined);
  await withFile("pass word\n", (path) => {
    assertEquals(readCredentials(settingsOf("cli", "--user", "alice", "--password-file", path), NOBODY), {
      name: "alice",
      password: "pass word",
    });
    assertEquals(readCredentials(settingsOf("cli", "--password-file", path), NOBODY)?.name, "default");
  });
  const person = typing("secret word");
  assertEquals(readCredentials(settingsOf("cli", "--user", "alice"), person)?.password, "secret word");
  assertEquals(person.questions, ["Password of alice: "]);
  assertThrows(() => readCredentials(settingsOf("cli", "--user", "alice"), NOBODY), UsageError, "--password-file FILE");
  assertThrows(
    () => readCredentials(settingsOf("cli", "--user", "alice"), typing(undefined)),
    Failure,
    "Nothing was done",
  );
});

Deno.test("a token is read from a file or the environment, stands for user and password, and goes with neither", async () => {
  const token = tokenOf(7);
  await withFile(`${token}\n`, (path) => {
    assertEquals(readCredentials(settingsOf("cli", "--token-file", path), NOBODY), {
      name: TOKEN_USER,
      password: token,
    });
    const both = settingsOf("cli", "--token-file", path, "--user", "alice");
    assertThrows(() => readCredentials(both, NOBODY), UsageError, "give it, or --user, and not both");
  });
  const error = assertThrows(() => readCredentials(settingsOf("cli", `--token=${token}`), NOBODY), UsageError);
  assertEquals([error.message.includes("would show the token"), error.message.includes("kvs_7")], [true, false]);
  await withFile("my-password\n", (path) => {
    const wrong = assertThrows(() => readCredentials(settingsOf("cli", "--token-file", path), NOBODY), UsageError);
    assertEquals([wrong.message.includes("begin with kvs_"), wrong.message.includes("my-password")], [true, false]);
  });
});

Deno.test("a password on the command line is refused, and not repeated", () => {
  for (const flag of ["password", "new-password", "bootstrap-user"]) {
    const command = flag === "new-password" ? "user" : flag === "password" ? "cli" : "node";
    const read = { password: readCredentials, "bootstrap-user": readFirstUser }[flag] ??
      ((settings: ReturnType<typeof settingsOf>) => readNewPassword(settings, "alice", NOBODY));
    const error = assertThrows(
      () => read(settingsOf(command, `--${flag}=root:secret-word`)),
      UsageError,
      `--${flag} would show`,
    );
    assertEquals(error.message.includes("secret-word"), false);
  }
});

Deno.test("a new password is typed twice, and is one that can be", async () => {
  const settings = settingsOf("user");
  assertEquals(readNewPassword(settings, "alice", typing("long enough", "long enough")), "long enough");
  assertThrows(() => readNewPassword(settings, "alice", typing("long enough", "long enouhg")), Failure, "not the same");
  assertThrows(() => readNewPassword(settings, "alice", typing("short")), UsageError, "it needs 8 to 256");
  assertThrows(() => readNewPassword(settings, "alice", NOBODY), UsageError, "KVSTORE_NEW_PASSWORD");
  await withFile("from a file\r\n", (path) => {
    assertEquals(readNewPassword(settingsOf("user", "--new-password-file", path), "alice", NOBODY), "from a file");
  });
  assertThrows(
    () => readNewPassword(settingsOf("user", "--new-password-file", "/none"), "alice", NOBODY),
    UsageError,
    "/none",
  );
});

Deno.test("the first user has a name and a password, which may hold colons", async () => {
  assertEquals(readFirstUser(settingsOf("node")), undefined);
  await withFile("root:pass:word\xe4\n", (path) => {
    assertEquals(readFirstUser(settingsOf("node", "--bootstrap-user-file", path)), {
      name: "root",
      password: "pass:word\xc3\xa4",
    });
  });
  for (const wrong of ["root", ":long-password", "ro ot:long-password"]) {
    await withFile(wrong, (path) => {
      assertThrows(() => readFirstUser(settingsOf("node", "--bootstrap-user-file", path)), UsageError, "name:password");
    });
  }
});

Deno.test("what is typed without being shown can be corrected and broken off", () => {
  const typed = (...bytes: readonly number[]) => {
    const left = [...bytes];
    return readHidden(() => left.shift());
  };
  const codes = (text: string) => [...new TextEncoder().encode(text)];
  assertEquals(typed(...codes("abc\r")), "abc");
  assertEquals(typed(...codes("ab\xe4"), 0x7f, ...codes("c\n")), "abc");
  assertEquals(typed(...codes("wrong"), 0x15, ...codes("right\n")), "right");
  assertEquals(typed(0x08, ...codes("a\n")), "a");
  assertEquals([typed(...codes("ab"), 0x03), typed(0x04), typed(...codes("ab"))], [undefined, undefined, undefined]);
});

Deno.test("wrong words behind kvstore user are told with what would be right, before anybody is asked", async () => {
  const surroundings = fakeSurroundings();
  const cases = [
    ["add", "use kvstore user add NAME [RIGHT ...]"],
    ["ad alice", "use kvstore user add NAME [RIGHT ...]"],
    ["list alice", "use kvstore user list"],
    ["passwd alice read:p:", "use kvstore user passwd NAME"],
    ["grant alice", "use kvstore user grant NAME RIGHT ..."],
    ["revoke alice", "use kvstore user revoke NAME RIGHT ..."],
    ["grant alice all", '"all" is no right; use admin, read:PREFIX'],
    ["add alice read", '"read" is no right'],
    ["add alice delete:p:", '"delete:p:" is no right'],
    ["remove a b", "use kvstore user remove NAME"],
    ["tokens list", "use kvstore user token add USER NAME|token list USER|token revoke USER NAME"],
    ["token", "use kvstore user token add USER NAME"],
    ["token add alice", "use kvstore user token add USER NAME"],
    ["token list alice ci", "use kvstore user token add USER NAME"],
    ["token revoke alice ci ci", "use kvstore user token add USER NAME"],
  ] as const;
  for (const [words, message] of cases) {
    const context = { settings: settingsOf("user"), operands: words.split(" "), surroundings };
    await assertRejects(() => runUserCommand(context, NOBODY), UsageError, message);
  }
});

Deno.test("a life of a token that is none is told with what would be right", async () => {
  for (const expires of ["90", "3651d", "0d", "999ms", "soon"]) {
    const settings = settingsOf("user", `--expires=${expires}`);
    const context = { settings, operands: ["token", "add", "alice", "ci"], surroundings: fakeSurroundings() };
    await assertRejects(() => runUserCommand(context, NOBODY), UsageError, "--expires must be never, or 1s to 3650d");
  }
});

Deno.test("the shell keeps no line with a password in its history", () => {
  const history = new History(undefined);
  for (const line of ["AUTH alice secret", " login alice secret", "GET author", "auth"]) history.add(line);
  assertEquals(history.lines, ["GET author"]);
});
