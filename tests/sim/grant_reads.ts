/** Reads of users who have rights by prefix: judged and shown by the rights of the very state that is read. */

import { assert } from "../../lib/base/assert.ts";
import { ForbiddenError, NotLoggedInError } from "../../lib/access/login.ts";
import { UserNode } from "../../lib/access/user_node.ts";
import type { Call, Compare } from "../../lib/kv/commands.ts";
import { replyToJson } from "../../lib/kv/replies.ts";
import type { Node } from "../../lib/node/node.ts";
import { gateOf } from "../support/gate.ts";
import { FAMILY, makeCompare, makeQueryOnOneKey, makeSharedQuery, type Words } from "./call_maker.ts";
import type { Workload } from "./clients.ts";
import { answerQuery, holds } from "./model/queries.ts";
import type { ModelState } from "./model/record.ts";
import { lists, missingForCall, missingForCompares, type ModelRights, readableBy, shownTo } from "./model/rights.ts";
import type { Pending } from "./pending.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** Who asks whom. */
export interface Asker {
  readonly client: number;
  readonly server: SimServer;
  readonly login: number;
  readonly isPatrol: boolean;
}

/** Something that is asked of a node and changes nothing. A scan goes on behind the cursor of whoever scanned last. */
type Question =
  | { readonly type: "Call" | "Scan"; readonly call: Call }
  | { readonly type: "Compare"; readonly compares: readonly Compare[] }
  | { readonly type: "Records"; readonly start: string; readonly most: number };

/** What was told, and by what it is judged. */
interface Told {
  readonly question: Question;
  readonly told: unknown;
  readonly rights: ModelRights | undefined;
  readonly state: ModelState;
  readonly nowMs: number;
}

const NOBODY = { missing: "login" };

/** Asks as a user, as the protocols do, and holds what is told against the model. */
export class GrantReads {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #words: Words;
  #cursor = "0";

  constructor(world: World, { workload, words }: { readonly workload: Workload; readonly words: Words }) {
    this.#world = world;
    this.#workload = workload;
    this.#words = words;
  }

  /** One read. */
  read({ client, server, login, isPatrol }: Asker, node: Node): void {
    const { clock } = server;
    assert(clock !== undefined, "A server that serves has a clock");
    const question = this.#question();
    const asked = { operation: "read with grants", key: "", argument: JSON.stringify(question), server, isPatrol };
    const pending = this.#workload.begin(client, asked);
    const user = new UserNode(node, { gate: gateOf(node, clock), login: { name: "", id: login } });
    user.read((outcome) => {
      if (!this.#workload.isExpected(pending)) return;
      if (outcome.type !== "Ready") return this.#workload.refuse(pending, outcome.reason);
      const { reference, expiredKeys } = this.#world;
      const { index } = node.driver.applied.id;
      const nowMs = node.state.readTimeMs;
      if (index < outcome.index) this.#violate(pending, `confirmed at ${outcome.index}, and applied is ${index}`);
      expiredKeys.read(pending, node);
      const state = reference.stateAt({ index, nowMs });
      this.#judge(pending, {
        ...{ question, state, nowMs },
        told: tell(user, question),
        rights: reference.rightsAt(login, index),
      });
      this.#workload.complete(pending, { result: null, index });
    });
  }

  #question(): Question {
    const words = this.#words;
    const { random } = words;
    switch (random.pick(["OneKey", "Shared", "Shared", "Shared", "Scan", "Compare", "Records"] as const)) {
      case "OneKey":
        return { type: "Call", call: makeQueryOnOneKey(words) };
      case "Shared":
        return { type: "Call", call: makeSharedQuery(words) };
      case "Scan":
        return { type: "Scan", call: ["SCAN", this.#cursor, "COUNT", `${random.between(1, 7)}`] };
      case "Compare":
        return { type: "Compare", compares: Array.from({ length: random.between(1, 3) }, () => makeCompare(words)) };
      default:
        return { type: "Records", start: random.pick(["", words.key(FAMILY.shared)]), most: random.between(1, 9) };
    }
  }

  #judge(pending: Pending, { question, told, rights, state, nowMs }: Told): void {
    const refusal = refusalOf(question, rights);
    if (rights === undefined || refusal !== undefined) {
      this.#workload.count("forbidden read");
      if (!isSame(told, refusal)) {
        this.#violate(pending, `told ${JSON.stringify(told)}, not ${JSON.stringify(refusal)}`);
      }
      return;
    }
    const shown = shownTo(readableBy(rights), state);
    if (question.type === "Compare") this.#workload.count("compare with grants");
    if (isList(question)) this.#workload.count("list with grants");
    const isDrawn = question.type === "Call" && question.call[0] === "RANDOMKEY";
    const fits = question.type === "Scan"
      ? this.#isPart(told, shown)
      : isDrawn
      ? isOneOf(told, shown)
      : isSame(told, answerOf(question, { state: shown, nowMs }));
    if (!fits) this.#violate(pending, `told ${JSON.stringify(told)} with ${JSON.stringify(rights)}`);
  }

  /** Of a step of a scan it is known that its keys may be read. */
  #isPart(told: unknown, shown: ModelState): boolean {
    const [cursor, keys] = Array.isArray(told) ? told : [];
    this.#cursor = String(cursor);
    const names = new Set(shown.names());
    return typeof cursor === "string" && Array.isArray(keys) && keys.every((key) => names.has(key));
  }

  #violate(pending: Pending, what: string): void {
    this.#world.violate("rights", `${pending.argument} at node ${pending.server.id}: ${what}`);
  }
}

/** What a node says to somebody: an answer, or why there is none. */
function tell(user: UserNode, question: Question): unknown {
  try {
    switch (question.type) {
      case "Call":
      case "Scan":
        return replyToJson(user.answer(question.call));
      case "Compare":
        return user.compare(question.compares);
      default:
        return tellRecords(user, question);
    }
  } catch (error) {
    if (error instanceof NotLoggedInError) return NOBODY;
    if (error instanceof ForbiddenError) return { missing: error.missing };
    throw error;
  }
}

function tellRecords(user: UserNode, { start, most }: Question & { readonly type: "Records" }): unknown {
  const told: (readonly [string, string])[] = [];
  for (const [key, { value }] of user.state.records(start)) {
    if (told.length === most) break;
    told.push([key, value]);
  }
  return told;
}

function refusalOf(question: Question, rights: ModelRights | undefined): unknown {
  if (rights === undefined) return NOBODY;
  if (question.type === "Records") return undefined;
  const missing = question.type === "Compare"
    ? missingForCompares(question.compares, rights)
    : missingForCall(question.call, rights);
  return missing === undefined ? undefined : { missing };
}

function answerOf(
  question: Question,
  { state, nowMs }: { readonly state: ModelState; readonly nowMs: number },
): unknown {
  switch (question.type) {
    case "Call":
    case "Scan":
      return answerQuery(question.call, { state, nowMs });
    case "Compare":
      return question.compares.every((compare) => holds(compare, state));
    default: {
      const names = state.names().filter((key) => key >= question.start).slice(0, question.most);
      return names.map((key) => [key, state.get(key)?.value]);
    }
  }
}

function isList(question: Question): boolean {
  if (question.type === "Compare") return false;
  return question.type === "Records" || lists({ type: "Call", call: question.call });
}

function isOneOf(told: unknown, shown: ModelState): boolean {
  const names = shown.names();
  return told === null ? names.length === 0 : names.includes(String(told));
}

function isSame(told: unknown, wanted: unknown): boolean {
  return JSON.stringify(told) === JSON.stringify(wanted);
}
