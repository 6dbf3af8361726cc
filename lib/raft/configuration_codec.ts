/** Reads configurations that come from a frame or a file. */

import { isRetiredList } from "./retired.ts";
import { type Configuration, type Member, NODE_ID_MAX } from "./types.ts";

/** The driver makes 32 hex digits; to the core it is any word. */
const CLUSTER_ID = /^[\x21-\x7e]{1,200}$/;

/** Checks the shape of a configuration read from a frame or a file; undefined when it is not one. */
export function decodeConfiguration(value: unknown): Configuration | undefined {
  if (!isRecord(value)) return undefined;
  const { members, voters, votersOld, learners, clusterId, level, retired, drained } = value;
  if (clusterId !== undefined && !isClusterId(clusterId)) return undefined;
  if (level !== undefined && (!isId(level) || level === 0)) return undefined;
  if (!isIdList(voters) || !isIdList(votersOld) || !isIdList(learners)) return undefined;
  if (!Array.isArray(members) || !members.every(isMember)) return undefined;
  if (retired !== undefined && !isRetiredList(retired)) return undefined;
  if (drained !== undefined && !isIdList(drained)) return undefined;
  const known = new Set(members.map((member) => member.id));
  const listed = [...voters, ...votersOld, ...learners];
  if (!listed.every((id) => known.has(id)) || known.size !== members.length) return undefined;
  const named = { ...(clusterId === undefined ? {} : { clusterId }), ...(level === undefined ? {} : { level }) };
  const gone = retired === undefined ? {} : { retired };
  const resting = drained === undefined ? {} : { drained };
  return { members: members.map(memberOf), voters, votersOld, learners, ...named, ...gone, ...resting };
}

/** Whether a value can be the id of a cluster. */
export function isClusterId(value: unknown): value is string {
  return typeof value === "string" && CLUSTER_ID.test(value);
}

/** Without fields that nobody asked for: they would go into the log of every server. */
function memberOf({ id, address, clientAddress, httpAddress, identity }: Member): Member {
  return { id, address, clientAddress, ...(httpAddress === undefined ? {} : { httpAddress }), identity };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= NODE_ID_MAX;
}

function isIdList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((id, at) => isId(id) && (at === 0 || value[at - 1] < id));
}

function isMember(value: unknown): value is Member {
  return isRecord(value) && isId(value["id"]) && typeof value["address"] === "string" &&
    typeof value["clientAddress"] === "string" && typeof value["identity"] === "string" &&
    (value["httpAddress"] === undefined || typeof value["httpAddress"] === "string");
}
