/** Blocks of a snapshot from outside: what cannot be a state is refused before anything relies on it. */

import { assertEquals } from "@std/assert";
import { SnapshotLoader } from "../../../lib/kv/snapshot_cut.ts";
import { StateMachine } from "../../../lib/kv/state_machine.ts";

function load(...blocks: readonly string[]): boolean {
  const loader = new SnapshotLoader(new StateMachine());
  return blocks.every((block) => loader.load(block));
}

Deno.test("a block is refused when it cannot be of a state", () => {
  const head = '{"format":1,"lastApplied":3}';
  assertEquals(load(head, '["a","\\u0000\xff",1]', '["b","v",2]'), true);
  const refused: readonly (readonly string[])[] = [
    ['{"format":1,"lastApplied":-3}'],
    ['{"format":2,"lastApplied":3}'],
    [head, '["a","v",-1]'],
    [head, '["a","v",0.5]'],
    [head, '["a","v",4]'],
    [head, '["a","v"]'],
    [head, '["a\\u0141","v",1]'],
    [head, '["a","\\ud800",1]'],
    [head, '["a","v",1,"a","w",2]'],
    [head, '["b","v",1]', '["a","v",2]'],
  ];
  for (const blocks of refused) assertEquals(load(...blocks), false, blocks.join(" "));
});
