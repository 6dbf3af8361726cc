/** What the simulator says to a command line that it cannot take. */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const MAIN = fromFileUrl(new URL("./main.ts", import.meta.url));

Deno.test("a flag without its number is refused in one line", async () => {
  for (const args of [["--seed"], ["--seed", "--trace"], ["--seeds="], ["--seed", "7x"], ["--nodes"]]) {
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "--allow-all", "--no-prompt", MAIN, ...args] });
    const { code, stdout, stderr } = await command.output();
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
    assertEquals([code, new TextDecoder().decode(stdout)], [64, ""], args.join(" "));
    assertEquals(/^--(seed|seeds|nodes) wants a whole number$/.test(said), true, `${args.join(" ")}: ${said}`);
  }
});
