/** Blocks of a snapshot from outside: what cannot be a state is refused before anything relies on it. */

import { assertEquals } from "@std/assert";
import { SnapshotLoader } from "../../../lib/kv/snapshot_loader.ts";
import { StateMachine } from "../../../lib/kv/state_machine.ts";

function load(...blocks: readonly string[]): boolean {
  const loader = new SnapshotLoader(new StateMachine());
  return blocks.every((block) => loader.load(block));
}

Deno.test("a block is refused when it cannot be of a state", () => {
  const head = '{"format":4,"lastApplied":3,"timeMs":5}';
  assertEquals(load(head, '["a","\\u0000\xff",1,1,1,0]', '["b","v",1,2,2,9]'), true);
  assertEquals(
    load(
      head,
      '{"sessions":[[2,1000,90,0,[[1,"{}","0123456789abcdef"],[2,null,"0123456789abcdef"]]],[3,1000,90,0,[]]]}',
    ),
    true,
  );
  const refused: readonly (readonly string[])[] = [
    ['{"format":4,"lastApplied":-3,"timeMs":5}'],
    ['{"format":4,"lastApplied":3}'],
    ['{"format":1,"lastApplied":3,"timeMs":5}'],
    [head, '["a","v",-1,1,1,0]'],
    [head, '["a","v",1,0.5,1,0]'],
    [head, '["a","v",1,4,1,0]'],
    [head, '["a","v",3,2,1,0]'],
    [head, '["a","v",1,1,0,0]'],
    [head, '["a","v",1,1,1]'],
    [head, '["a","v",1,1,1,-1]'],
    [head, '["a\\u0141","v",1,1,1,0]'],
    [head, '["a","\\ud800",1,1,1,0]'],
    [head, '["a","v",1,1,1,0,"a","w",2,2,1,0]'],
    [head, '["b","v",1,1,1,0]', '["a","v",2,2,1,0]'],
    [head, '{"sessions":[[4,1000,90,0,[]]]}'],
    [head, '{"sessions":[[3,1000,90,0,[]],[2,1000,90,0,[]]]}'],
    [head, '{"sessions":[[2,1000,90,0,[[1,"{","0123456789abcdef"]]]]}'],
    [head, '{"sessions":[[2,1000,90,0,[[1,"{}"]]]]}'],
    [head, '{"sessions":[[2,1000,90,0,[[1,"{}","0123"]]]]}'],
    [head, '{"sessions":[[2,1000,90,0]]}'],
    [head, "{}"],
  ];
  for (const blocks of refused) assertEquals(load(...blocks), false, blocks.join(" "));
});
