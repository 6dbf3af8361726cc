import { assertEquals } from "@std/assert";
import { hasShape, isAsShown } from "./output.ts";
import { type PageKind, planPage } from "./page.ts";

const RUN = "```sh\necho a\n```\n";
const SHOWN = "```text\na\n```\n";
const MARK = "<!-- not run: needs a second machine -->\n";

Deno.test("commands are run unless they are marked, and have the output behind them", () => {
  const plan = planPage(`# Title\n\n${RUN}\nIt prints:\n\n${SHOWN}\n${MARK}\n${RUN}\n${RUN}`, "task");
  const output = { line: 10, language: "text", lines: ["a"] };
  assertEquals(plan.steps, [{ line: 4, commands: ["echo a"], output }, { line: 20, commands: ["echo a"] }]);
  assertEquals(plan.marked, [{ line: 16, language: "sh", lines: ["echo a"], reason: "needs a second machine" }]);
  assertEquals(plan.mistakes, []);
});

Deno.test("a block that is neither run nor marked is found", () => {
  const mistakesOf = (markdown: string, kind: PageKind = "reference") => planPage(markdown, kind).mistakes;
  const one = (line: number, what: string) => [`line ${line}: ${what}`];
  assertEquals(mistakesOf("```bash\necho a\n```\n"), one(2, "a block of bash: commands stand in a block of sh"));
  assertEquals(mistakesOf("<!-- not run: -->\n\n```sh\necho a\n```\n"), one(4, "a mark without a reason"));
  const alone = "a block of text behind no commands that are run";
  assertEquals(mistakesOf(SHOWN), one(2, alone));
  assertEquals(mistakesOf(MARK + RUN + SHOWN), one(6, alone));
  assertEquals(mistakesOf(RUN, "read"), one(2, "commands that are neither run nor marked"));
  assertEquals(mistakesOf(MARK + RUN, "read"), []);
  const other = "that is neither commands (sh) nor what they print (text), nor marked";
  assertEquals(mistakesOf("```\necho a\n```\n", "task"), one(2, `a block of no language ${other}`));
  assertEquals(mistakesOf("```json\n{}\n```\n", "task"), one(2, `a block of json ${other}`));
  assertEquals(mistakesOf("```json\n{}\n```\n```\nusage\n```\n"), []);
  assertEquals(mistakesOf("```fish\necho a\n```\n"), one(2, `a block of fish ${other}`));
  assertEquals(mistakesOf(`${MARK}\`\`\`json\n{}\n\`\`\`\n`, "task"), []);
});

Deno.test("`...` takes any lines where it stands alone, and any part of a line elsewhere", () => {
  const holds = (output: string, shown: string) => isAsShown(output, shown.split("\n"));
  for (
    const [output, shown] of [
      ["a\nb\n", "a\nb"],
      ["\na \n\n", "a"],
      ["a\nb\nc\n", "...\nc"],
      ["c\n", "...\nc"],
      ["a\nb\nc\nd\n", "a\n...\nc\n..."],
      ["a\nx 17 y\n", "a\nx ... y"],
      ["(a+b)*\n", "(a+b)*"],
      ["a\nb\na\nc\n", "...\na\nc"],
    ] as const
  ) assertEquals([output, holds(output, shown)], [output, true]);
  for (
    const [output, shown] of [
      ["a\nb\n", "a"],
      ["a\n", "a\nb"],
      ["b\na\n", "a\nb"],
      ["a\nb\n", "...\na"],
      ["x 17 z\n", "x ... y"],
      ["ab\n", "a.b"],
      ["", "a"],
    ] as const
  ) assertEquals([output, holds(output, shown)], [output, false]);
});

Deno.test("JSON has the shape that is shown: names and types, whatever the values", () => {
  const holds = (output: string, shown: string) => hasShape(output, shown.split("\n"));
  const shown = '{\n  "id": 12,\n  "items": [{ "name": "a", "old": null }]\n}';
  assertEquals(holds('{"items":[{"old":null,"name":"b"},{"old":null,"name":""}],"id":7}\n', shown), true);
  for (
    const other of [
      '{"id":7}',
      '{"id":"7","items":[{"name":"a","old":null}]}',
      '{"id":7,"items":[]}',
      '{"id":7,"items":{}}',
      '{"id":7,"items":[{"name":"a"}]}',
      '{"id":7,"items":[{"name":"a","old":null},{}]}',
      '{"id":7,"items":[{"name":"a","old":{}}]}',
      '{"id":7,"items":[{"name":"a","old":null}],"more":1}',
      "",
      "id: 7",
    ]
  ) assertEquals([other, holds(other, shown)], [other, false]);
  assertEquals(planPage(`${RUN}\`\`\`json\n"a"\n\`\`\`\n`, "task").steps[0]?.output?.language, "json");
});
