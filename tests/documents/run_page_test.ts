import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SETSID, testWith } from "../support/needs.ts";
import { waitFor } from "../support/wait.ts";
import { listMembers } from "./process_group.ts";
import { type PageRun, runPage } from "./run_page.ts";

/** A page of these parts: commands, and what they print where a part begins with `>`. */
function pageOf(...parts: readonly string[]): string {
  return parts.map((part) => part.startsWith(">") ? fence("text", part.slice(1)) : fence("sh", part)).join("\n");
}

function fence(language: string, text: string): string {
  return `Some words.\n\n\`\`\`${language}\n${text}\n\`\`\`\n`;
}

async function failureOf(markdown: string, options: Partial<PageRun> = {}): Promise<string> {
  const error = await assertRejects(() => runPage({ name: "page.md", markdown, outputMs: 200, ...options }), Error);
  return error.message;
}

testWith(
  [SETSID],
  "a page whose commands do what it shows passes, all of it in one shell and an empty directory",
  async () => {
    await runPage({
      name: "page.md",
      markdown: pageOf(
        "ls -A\nnumber=7",
        "mkdir inner\ncd inner\ncat > file <<'END'\na line\nEND\nfor word in a b; do\n  echo $word >> file\ndone",
        "cat file\npwd",
        ">a line\n...\n.../work/inner",
        "[ $number -eq 8 ]   # exit code 1",
        "(exit 76)   # ends with exit code 76: another version",
      ),
    });
  },
);

testWith([SETSID], "a wrong command is found, with its line of the page and what it printed", async () => {
  const wrong = await failureOf(pageOf("true", "echo fine\nkvstor version\necho never"));
  assertStringIncludes(wrong, "page.md:11: exit code 127: kvstor version");
  assertStringIncludes(wrong, "fine\n");
  assertEquals(wrong.includes("never"), false);
  assertStringIncludes(await failureOf(pageOf("false | true")), "page.md:4: exit code 1: false | true");
  assertStringIncludes(await failureOf(pageOf("echo $no_such_name")), "echo $no_such_name");
  assertStringIncludes(await failureOf(pageOf("exit 0")), "page.md:4: the shell has ended");
});

testWith([SETSID], "another exit code than the page says is found, and a good end in place of a bad one", async () => {
  const other = await failureOf(pageOf("true\n(exit 75)   # exit code 76"));
  assertStringIncludes(other, "page.md:5: exit code 75, and the page says 76: (exit 75)   # exit code 76");
  assertStringIncludes(await failureOf(pageOf("true   # exit code 1")), "page.md:4: exit code 0, and the page says 1");
});

testWith([SETSID], "an output other than the page shows is found, with both", async () => {
  const wrong = await failureOf(pageOf("echo one\necho two", ">one\nthree"));
  assertStringIncludes(wrong, "page.md:4: it does not print what the page shows:\none\nthree\nIt printed:\none\ntwo");
  assertStringIncludes(await failureOf(pageOf("echo one; echo two", ">one")), "does not print");
  assertStringIncludes(await failureOf(pageOf("echo one", ">one\ntwo")), "does not print");
});

testWith(
  [SETSID],
  "the ports of the page are free ones when it is run, and are shown as those of the page",
  async () => {
    const commands = 'port=5000; echo ${#port} localhost:5000 8001,15009 5010 x5000; cat "$(command -v kvstore)"';
    const shown = "5 localhost:5000 8001,15009 5010 x5000\n...\nKVSTORE_PORT=5000 ...";
    await runPage({ name: "page.md", markdown: pageOf(commands, `>${shown}`), outputMs: 200 });
  },
);

testWith(
  [SETSID],
  "what a page leaves running is waited for, and ends with it; so does a page that never ends",
  async () => {
    await runPage({ name: "page.md", markdown: pageOf("(sleep 0.2; echo late; exec sleep 1000) &", ">late") });
    const directory = await Deno.makeTempDir({ prefix: "kvstore-docs-" });
    try {
      const file = `${directory}/group`;
      const endless = pageOf(`sleep 1000 &\ncut -d ' ' -f 5 /proc/$$/stat > ${file}\nkill -STOP $!\nsleep 1000`);
      const run = failureOf(endless, { pageMs: 1_000 });
      const group = await waitFor(async () => Number(await Deno.readTextFile(file)) || undefined, { what: "it runs" });
      assertEquals(listMembers(group).length >= 2, true);
      assertStringIncludes(await run, "Waited");
      assertEquals(listMembers(group), []);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
