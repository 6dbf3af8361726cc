/** Comparisons of a transaction. */

import { unreachable } from "../base/assert.ts";
import type { Compare, CompareOperator } from "./commands.ts";
import type { KeyRecord } from "./key_record.ts";
import type { Keyspace } from "./keyspace.ts";

/** Whether a comparison holds. A value that is not there equals nothing, and a number that is none is compared as no number. */
export function holds({ key, field, operator, operand }: Compare, keys: Keyspace): boolean {
  const record = keys.get(key);
  if (field !== "VALUE") return compareOrdered(numberOf(record, field), Number(operand), operator);
  if (record === undefined) return operator === "!=";
  return compareOrdered(record.value, operand, operator);
}

function numberOf(record: KeyRecord | undefined, field: "VERSION" | "CREATE" | "MOD" | "EXISTS"): number {
  switch (field) {
    case "VERSION":
      return record?.version ?? 0;
    case "CREATE":
      return record?.createRevision ?? 0;
    case "MOD":
      return record?.revision ?? 0;
    case "EXISTS":
      return record === undefined ? 0 : 1;
    default:
      return unreachable(field);
  }
}

function compareOrdered<T extends string | number>(left: T, right: T, operator: CompareOperator): boolean {
  switch (operator) {
    case "=":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case ">":
      return left > right;
    default:
      return unreachable(operator);
  }
}
