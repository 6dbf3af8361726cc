/** `kvstore recover`: what is left of a cluster that lost its majority. */

import { unreachable } from "../base/assert.ts";
import { type Survey, surveyDirectories, type Survivor } from "../node/recovery/survey.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT } from "./failures.ts";
import { refuseOtherDirectory, refuseRunning } from "./inspect_command.ts";
import { keyedDisk } from "./master_key.ts";
import { forceSurvivor } from "./recover_force.ts";
import { UsageError } from "./usage_error.ts";

/** Directories that are compared at once: more than any cluster has voters. */
export const SURVIVORS_MAX = 32;

/** Runs `recover inspect` and `recover force`. */
export async function runRecoverCommand(context: CommandContext): Promise<number> {
  const [action, ...directories] = context.operands;
  const [directory] = directories;
  if (action === "force" && directory !== undefined && directories.length === 1) {
    return await forceSurvivor(context, directory);
  }
  if (action === "inspect" && directory !== undefined && directories.length <= SURVIVORS_MAX) {
    return await inspectSurvivors(context, directories);
  }
  throw new UsageError(
    `recover takes inspect and 1 to ${SURVIVORS_MAX} directories, or force and one directory, ` +
      "for example kvstore recover inspect ./node-0 ./node-1",
  );
}

/** Changes nothing. Resolves to 77 when a file is of another version, else to 74 when one is damaged. */
async function inspectSurvivors(
  { settings, surroundings }: CommandContext,
  directories: readonly string[],
): Promise<number> {
  for (const directory of directories) {
    refuseOtherDirectory(directory);
    await refuseRunning(directory);
  }
  const survey = await surveyDirectories(await keyedDisk(settings), directories);
  // A node that was started meanwhile.
  for (const directory of directories) await refuseRunning(directory);
  surroundings.out(settings.enabled("json") ? `${JSON.stringify(survey, undefined, 2)}\n` : showSurvey(survey));
  const { survivors } = survey;
  for (const { what } of survivors.flatMap(({ otherVersions }) => otherVersions)) {
    surroundings.err(`kvstore: ${what}\n`);
  }
  if (survivors.some(({ otherVersions }) => otherVersions.length > 0)) return EXIT.otherVersion;
  return survivors.some(({ damages }) => damages.length > 0) ? EXIT.corrupt : EXIT.ok;
}

/** The survey for people: each directory, then what follows. */
export function showSurvey(survey: Survey): string {
  const lines = [...survey.survivors.flatMap(showSurvivor), "", ...showConclusions(survey)];
  return lines.map((line) => `${line}\n`).join("");
}

function showSurvivor(survivor: Survivor): readonly string[] {
  const { directory, nodeId, clusterName, clusterId, term, last, snapshot, configuration, digest } = survivor;
  const name = clusterName === null || clusterName === "" ? "" : ` named ${JSON.stringify(clusterName)}`;
  const log = digest.entries === 0 ? "no log" : `log ${digest.from} to ${digest.to}, digest ${digest.crc}`;
  return [
    `${directory}: node ${nodeId ?? "unknown"} of cluster ${clusterId ?? "unknown"}${name}`,
    ...survivor.damages.map(({ file, offset, what }) => `  damaged: ${file}, offset ${offset}: ${what}`),
    ...(last === null ? [] : [
      `  term ${term}, last entry ${last.index} of term ${last.term}, ${
        snapshot === null ? "no snapshot" : `snapshot at ${snapshot.index} of term ${snapshot.term}`
      }, ${log}`,
    ]),
    ...(configuration === null ? [] : [`  ${showMembership(configuration)}`]),
  ];
}

function showMembership({ voters, votersOld, learners }: NonNullable<Survivor["configuration"]>): string {
  const old = votersOld.length === 0 ? "" : `, while voters ${votersOld.join(" ")} have not left yet`;
  return `voters ${voters.join(" ")}${old}${learners.length === 0 ? "" : `, learners ${learners.join(" ")}`}`;
}

function showConclusions(survey: Survey): readonly string[] {
  const { survivors, voters, present, isMajority } = survey;
  const newest = survivors.find(({ directory }) => directory === survey.newest);
  if (newest === undefined || newest.last === null) {
    return ["None of these directories can be read: there is nothing to go on from."];
  }
  const { last, snapshot } = newest;
  const here = `Of the voters ${voters.join(" ")} there ${present.length === 1 ? "is" : "are"} ${present.join(" ")}`;
  return [
    `Newest: ${newest.directory}, with entry ${last.index} of term ${last.term}.`,
    ...survivors.filter((survivor) => survivor !== newest).map(showAgreement),
    isMajority
      ? `${here}, a majority: no acknowledged write is lost. Start these nodes; there is nothing to force.`
      : `${here}, no majority: acknowledged writes that are in none of these logs are lost: all behind entry ` +
        `${last.index}, and some before it where the others began a term after ${last.term}.`,
    `Entries behind ${snapshot?.index ?? 0} may also hold writes that were never acknowledged.`,
  ];
}

function showAgreement({ directory, agreement, digest }: Survivor): string {
  const range = `entries ${digest.from} to ${digest.to}`;
  switch (agreement) {
    case "same":
      return `${directory} holds the same ${range} as the newest.`;
    case "differs":
      return `${directory} differs from the newest in the ${range}: the end of one of them was never acknowledged.`;
    case "nothing in common":
      return `${directory} cannot be compared with the newest: their logs have no entry in common.`;
    case "other cluster":
      return `${directory} is of another cluster than the newest.`;
    case "newest":
    case "unreadable":
      return `${directory} cannot be read.`;
    default:
      return unreachable(agreement);
  }
}
