/** Clients that read one key by way of any node, and those that ask every node at once. */

import type { Random } from "../../lib/base/random.ts";
import type { ReadOutcome } from "../../lib/node/api.ts";
import type { Node } from "../../lib/node/node.ts";
import type { Workload } from "./clients.ts";
import { describe, type Pending } from "./pending.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** Reads of plain keys. */
export class PlainReads {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #random: Random;
  readonly #pickKey: () => string;
  #isStopping = false;

  constructor(
    world: World,
    parts: { readonly workload: Workload; readonly random: Random; readonly pickKey: () => string },
  ) {
    this.#world = world;
    this.#workload = parts.workload;
    this.#random = parts.random;
    this.#pickKey = parts.pickKey;
  }

  /** Reads on every node at once, again and again. A client that waits for a leader that was cut off would not see what that one still says. */
  patrol(): void {
    if (this.#isStopping) return;
    for (const server of this.#world.running()) {
      if (server.node === undefined) continue;
      this.read(this.#workload.newClient(), server, { node: server.node, isPatrol: true });
    }
    const pauseMs = -Math.log(1 - this.#random.fraction()) * this.#world.settings.patrolMs;
    this.#world.clock.plan(pauseMs, { action: () => this.patrol(), life: undefined, isArrival: false });
  }

  /** Ends the patrol. */
  stop(): void {
    this.#isStopping = true;
  }

  /** One read. */
  read(
    client: number,
    server: SimServer,
    { node, isPatrol }: { readonly node: Node; readonly isPatrol: boolean },
  ): void {
    const key = this.#pickKey();
    const pending = this.#workload.begin(client, { operation: "get", key, argument: null, server, isPatrol });
    node.read((outcome) => this.#judge(pending, node, outcome));
  }

  #judge(pending: Pending, node: Node, outcome: ReadOutcome): void {
    if (!this.#workload.isExpected(pending)) return;
    if (outcome.type !== "Ready") return this.#workload.refuse(pending, outcome.reason);
    const { index } = node.driver.applied.id;
    const found = node.state.get(pending.key)?.value;
    this.#world.expiredKeys.read(pending, node);
    const wanted = this.#world.reference.seenAt(pending.key, { index, nowMs: node.state.readTimeMs })?.value;
    if (index < outcome.index || found !== wanted) {
      this.#world.violate("read", `${describe(pending)} at ${index} (for ${outcome.index}): ${found}, not ${wanted}`);
    }
    this.#workload.complete(pending, { result: found ?? null, index });
  }
}
