/** What a linter of others says of the OpenAPI document. */

import { assert, assertEquals } from "@std/assert";
import { byteStringToText } from "../../../lib/base/bytes.ts";
import { openApiDocument } from "../../../lib/http/openapi.ts";
import { ALL_ROUTES } from "./support/ask.ts";
import { REDOCLY, testWith } from "../../support/needs.ts";

/** Forms of pages lead to another page, and have no other success. */
const FORMS = /^operation-2xx-response #\/paths\/~1log(?:in|out)\//;

/** The rules that a document breaks. */
async function lint(document: string): Promise<readonly string[]> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/openapi.json`, document);
    const { stdout, stderr } = await new Deno.Command("npx", {
      args: [...REDOCLY.args, "lint", "openapi.json", "--format=json"],
      cwd: directory,
      env: { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert(text.startsWith("{"), new TextDecoder().decode(stderr));
    const { problems } = JSON.parse(text);
    assert(Array.isArray(problems));
    return problems.map(({ ruleId, location: [place] }) => `${ruleId} ${place?.pointer}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

testWith([REDOCLY], "openapi: the linter of Redocly finds neither errors nor warnings", async () => {
  const document = byteStringToText(openApiDocument(ALL_ROUTES)) ?? "";
  const found = (await lint(document)).filter((problem) => !FORMS.test(problem));
  assertEquals(found, []);
  // One that finds nothing at all would prove nothing.
  const open = JSON.stringify({ ...JSON.parse(document), security: undefined });
  assert((await lint(open)).some((problem) => problem.startsWith("security-defined ")));
});
