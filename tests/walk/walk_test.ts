/** The files that a reader of one SET passes through do not become more. `UPDATE=1` writes docs/generated/walk.md. */

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../tidy/project.ts";
import { measureWalk } from "./walk.ts";

const PAGE = `${ROOT}docs/generated/walk.md`;
/** The most there may be; lowered with each file that is saved, never raised without a reason in the commit. */
const FILES_MAX = 130;
const FILES_MAX_OUTSIDE = 84;
/** What the paper, the disk and the network are. */
const APART = ["raft", "storage", "transport"];

Deno.test("one SET on a follower passes through the files of docs/generated/walk.md, and through no more than before", async () => {
  const { files, idle } = await measureWalk();
  assertEquals(idle, [], "called although time stood still and nothing was asked");
  const outside = files.filter((file) => !APART.includes(roomOf(file)));
  const page = describe(files, outside.length);
  if (Deno.env.get("UPDATE") === "1") await Deno.writeTextFile(PAGE, page);
  assertEquals(page, await Deno.readTextFile(PAGE), "UPDATE=1 writes the walk down as it is now");
  assert(files.length <= FILES_MAX, `${files.length} files, and were ${FILES_MAX}`);
  assert(
    outside.length <= FILES_MAX_OUTSIDE,
    `${outside.length} files outside ${APART}, and were ${FILES_MAX_OUTSIDE}`,
  );
});

function roomOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function describe(files: readonly string[], outside: number): string {
  const rooms = Map.groupBy(files, roomOf);
  const lines = Array.from(rooms, ([room, own]) => {
    const names = own.map((file) => `\`${file.slice(`lib/${room}/`.length)}\``);
    return `- **${room}** (${own.length}): ${names.join(", ")}`;
  });
  return `# The walk of a SET

Written by \`UPDATE=1 deno test -A tests/walk\`: the files of \`lib\` with a function that is called because of one SET on a follower, there, on the
leader or on the third node, while time stands still; \`base\` and \`observe\` left out. ${files.length} files, ${outside} of them outside
\`raft\`, \`storage\` and \`transport\`. [architecture.md](../architecture.md) tells the way.

${lines.join("\n")}
`;
}
