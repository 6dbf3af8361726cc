/** The program with a disk that the chaos program can slow down, fill and break; only its `node` command is another one. */

import { parentGone } from "../../lib/cluster/parent_watch.ts";
import { THIS_SYSTEM } from "../../lib/cluster/ports.ts";
import { startServer } from "../../lib/cluster/server.ts";
import type { RunningServer, ServerOptions } from "../../lib/cluster/server_types.ts";
import type { CommandContext } from "../../lib/cli/command_context.ts";
import { RUNNERS } from "../../lib/cli/commands.ts";
import { runNode } from "../../lib/cli/node_command.ts";
import { runProgram } from "../../lib/cli/run.ts";
import { StopSignals } from "../../lib/cli/signals.ts";
import { PROCESS_SURROUNDINGS } from "../../lib/cli/surroundings.ts";
import { DenoDisk } from "../../lib/storage/deno_disk.ts";
import { treeBytes } from "../e2e/support/tree.ts";
import { type DiskControl, type DiskEffect, EFFECT_LINES, readDiskControl } from "./disk_control.ts";
import { FaultyDisk } from "./faulty_disk.ts";

/** The control is read again after so long. */
const CONTROL_AGE_MS_MAX = 10;
const ORPHANED = 1;

function startOnFaultyDisk(options: ServerOptions): Promise<RunningServer> {
  const directory = options.dataDirectory;
  let control: DiskControl = readDiskControl(directory);
  let readAt = performance.now();
  const told = new Set<DiskEffect>();
  const disk = new FaultyDisk(new DenoDisk(), {
    control: () => {
      const now = performance.now();
      if (now - readAt <= CONTROL_AGE_MS_MAX) return control;
      readAt = now;
      const next = readDiskControl(directory);
      // A fault that begins is told again; told at each sync it would push everything else out of the log.
      if (JSON.stringify(next) !== JSON.stringify(control)) told.clear();
      control = next;
      return control;
    },
    usedBytes: () => treeBytes(directory),
    felt: (effect) => {
      if (!told.has(effect)) PROCESS_SURROUNDINGS.out(`${EFFECT_LINES[effect]}\n`);
      told.add(effect);
    },
  });
  return startServer(options, { disk, segmentBytes: control.segmentBytes });
}

function runFaultyNode(context: CommandContext): Promise<number> {
  const requests = new StopSignals("terminal");
  return runNode(context, { startServer: startOnFaultyDisk, system: THIS_SYSTEM, requests });
}

if (import.meta.main) {
  // No node outlives the chaos program, however that ends.
  void parentGone(Deno.stdin).then(() => Deno.exit(ORPHANED));
  const surroundings = PROCESS_SURROUNDINGS;
  Deno.exit(await runProgram(Deno.args, { surroundings, runners: { ...RUNNERS, node: runFaultyNode } }));
}
