/** Comparisons of a transaction. */

import { unreachable } from "../base/assert.ts";
import type { Cell } from "./cell.ts";
import type { Compare, CompareOperator } from "./commands.ts";
import type { Keyspace } from "./keyspace.ts";

/** Whether a comparison holds. A value that is not there equals nothing, and a number that is none is compared as no number. */
export function holds({ key, field, operator, operand }: Compare, keys: Keyspace): boolean {
  const cell = keys.get(key);
  if (field !== "VALUE") return compareOrdered(numberOf(cell, field), Number(operand), operator);
  if (cell === undefined) return operator === "!=";
  return compareOrdered(cell.value, operand, operator);
}

function numberOf(cell: Readonly<Cell> | undefined, field: "VERSION" | "CREATE" | "MOD" | "EXISTS"): number {
  switch (field) {
    case "VERSION":
      return cell?.version ?? 0;
    case "CREATE":
      return cell?.createRevision ?? 0;
    case "MOD":
      return cell?.revision ?? 0;
    case "EXISTS":
      return cell === undefined ? 0 : 1;
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
