/** Clients that ask calls which only read, on any node, and clients that go through all keys with SCAN. */

import { type Reply, replyToJson } from "../../lib/kv/replies.ts";
import type { ReadOutcome } from "../../lib/node/api.ts";
import type { Node } from "../../lib/node/node.ts";
import { makeQueryOnOneKey, makeSharedQuery, type Words } from "./call_maker.ts";
import type { Workload } from "./clients.ts";
import type { Pending } from "./pending.ts";
import { answerQuery } from "./model/queries.ts";
import type { ModelState } from "./model/record.ts";
import { operationOfCall } from "./operations.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

const SCAN_SHARE = 0.25;
/** A scan that was begun anew so often that it takes more calls is given up. */
const SCAN_CALLS_MAX = 300;

/** A scan under way: SCAN promises every key that was there all the time. */
interface Scan {
  cursor: string;
  calls: number;
  firstIndex: number | undefined;
  /** The latest time that one of its calls was told. */
  nowMs: number;
  readonly found: Set<string>;
}

/** Reads of every kind. */
export class QueryWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #words: Words;
  #scan: Scan = newScan();
  #scanIsBusy = false;

  constructor(
    { world, workload, words }: { readonly world: World; readonly workload: Workload; readonly words: Words },
  ) {
    this.#world = world;
    this.#workload = workload;
    this.#words = words;
  }

  /** Asks something. */
  act(client: number, server: SimServer, node: Node): void {
    if (!this.#scanIsBusy && this.#words.random.chance(SCAN_SHARE)) return this.#scanOn(client, server, node);
    const isOnOne = this.#words.random.chance(0.4);
    const call = isOnOne ? makeQueryOnOneKey(this.#words) : makeSharedQuery(this.#words);
    const pending = this.#workload.begin(client, { ...operationOfCall(call, "ask"), server });
    node.read((outcome) => {
      if (!this.#isReady(pending, node, outcome)) return;
      const { index } = node.driver.applied.id;
      const nowMs = node.state.readTimeMs;
      const state = this.#world.reference.stateAt({ index, nowMs });
      const told = node.answer(call);
      const shown = JSON.stringify(replyToJson(told));
      if (call[0] === "RANDOMKEY") this.#judgeRandomKey(pending, { told, state });
      else {
        const wanted = JSON.stringify(answerQuery(call, { state, nowMs }));
        if (shown !== wanted) this.#violate(pending, `${JSON.stringify(call)} at ${index}: ${shown}, not ${wanted}`);
      }
      const name = call[0]?.toLowerCase() ?? "";
      const { done } = this.#workload;
      if (pending.operation !== name) done.set(name, (done.get(name) ?? 0) + 1);
      this.#workload.complete(pending, { result: shown, index });
    });
  }

  #isReady(pending: Pending, node: Node, outcome: ReadOutcome): boolean {
    if (!this.#workload.isExpected(pending)) return false;
    if (outcome.type !== "Ready") {
      this.#workload.refuse(pending, outcome.reason);
      return false;
    }
    const { index } = node.driver.applied.id;
    if (index < outcome.index) this.#violate(pending, `confirmed at ${outcome.index}, and applied is ${index}`);
    this.#world.expiredKeys.read(pending, node);
    return true;
  }

  #judgeRandomKey(pending: Pending, { told, state }: { readonly told: Reply; readonly state: ModelState }): void {
    const isEmpty = state.names().length === 0;
    const fits = typeof told === "string" ? state.get(told) !== undefined : told === null && isEmpty;
    if (!fits) this.#violate(pending, `RANDOMKEY gave ${JSON.stringify(told)}`);
  }

  #scanOn(client: number, server: SimServer, node: Node): void {
    const scan = this.#scan;
    this.#scanIsBusy = true;
    const pending = this.#workload.begin(client, { operation: "scan on", key: "", argument: null, server });
    pending.lost = () => {
      this.#scanIsBusy = false;
    };
    node.read((outcome) => {
      const isReady = this.#isReady(pending, node, outcome);
      if (pending.life === server.life) this.#scanIsBusy = false;
      if (!isReady) return;
      const { index } = node.driver.applied.id;
      const told = node.answer(["SCAN", scan.cursor, "COUNT", `${this.#words.random.between(1, 7)}`]);
      const [cursor, keys] = Array.isArray(told) ? told as [Reply, Reply] : [null, null];
      if (typeof cursor !== "string" || !Array.isArray(keys)) return this.#violate(pending, JSON.stringify(told));
      scan.firstIndex ??= index;
      scan.nowMs = Math.max(scan.nowMs, node.state.readTimeMs);
      scan.calls += 1;
      scan.cursor = cursor;
      for (const key of keys) scan.found.add(String(key));
      if (cursor === "0") this.#judgeScan(pending, { scan, last: index });
      if (cursor === "0" || scan.calls >= SCAN_CALLS_MAX) this.#scan = newScan();
      this.#workload.complete(pending, { result: null, index });
    });
  }

  #judgeScan(pending: Pending, { scan, last }: { readonly scan: Scan; readonly last: number }): void {
    const { reference } = this.#world;
    const first = scan.firstIndex ?? last;
    for (const key of reference.keys()) {
      if (scan.found.has(key) || !reference.stayed(key, { first, last, nowMs: scan.nowMs })) continue;
      return this.#violate(pending, `SCAN left out ${JSON.stringify(key)}, there from ${first} to ${last}`);
    }
  }

  #violate(pending: Pending, what: string): void {
    this.#world.violate("query", `${pending.operation}: ${what}`);
  }
}

function newScan(): Scan {
  return { cursor: "0", calls: 0, firstIndex: undefined, nowMs: 0, found: new Set() };
}
