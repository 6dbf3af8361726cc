/** Steps that a client does, one after another, each with the reply that it must give. */

import { type Driver, type Json, OperationError } from "./driver.ts";

/** What a reply must be: equal to a value, a number within bounds, or an error whose text holds some words. */
export type Want =
  | { readonly equals: Json }
  | { readonly between: readonly [lowest: number, highest: number] }
  | { readonly error: string };

/** One operation of a driver. */
export interface Step {
  /** What the step is about; names the failure. */
  readonly what: string;
  readonly op: string;
  readonly args: readonly Json[];
  readonly want: Want;
}

/** Does every step, also after failures, and throws one error that names each failure with the reply. */
export async function runSteps(client: string, driver: Driver, steps: readonly Step[]): Promise<void> {
  const failures: string[] = [];
  for (const step of steps) {
    const failure = await failureOf(driver, step);
    if (failure !== undefined) failures.push(`${client}: ${step.what}: ${step.op} ${show(step.args)} ${failure}`);
  }
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${steps.length} steps failed\n${failures.join("\n")}`);
  }
}

async function failureOf(driver: Driver, { op, args, want }: Step): Promise<string | undefined> {
  try {
    const reply = await driver.ask(op, args);
    return meets(reply, want) ? undefined : `answered ${show(reply)}, not ${show(want)}`;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof OperationError && "error" in want && text.includes(want.error)) return undefined;
    return `failed with "${text}", wanted ${show(want)}`;
  }
}

function meets(reply: Json, want: Want): boolean {
  if ("equals" in want) return JSON.stringify(reply) === JSON.stringify(want.equals);
  if ("between" in want) return typeof reply === "number" && reply >= want.between[0] && reply <= want.between[1];
  return false;
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 600 ? `${text.slice(0, 600)}...` : text;
}
