/** Changes of the membership by way of any node: each is asked for until it is done, refused for good, or the time is up. */

import type { NodeId } from "../raft/types.ts";
import { AdminConnection, type AdminReply, type AdminRequest, failureOf } from "./admin_connection.ts";
import { type ClusterView, fieldsOf } from "./cluster_view.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT, Failure } from "./failures.ts";
import { late, noMember } from "./member_texts.ts";
import { type Place, showAddress } from "./peers.ts";
import { ProgressLine } from "./progress_line.ts";

const OK = 200;
/** The pause before something is looked at, or asked for, again. */
const PAUSE_MS = 200;

/** The cluster once a leader is known. */
export type LedView = Awaited<ReturnType<AdminConnection["led"]>>;

/** What is asked of the cluster by one command. Everything throws `Failure`. */
export class MemberChanges {
  readonly #admin: AdminConnection;
  readonly #progress: ProgressLine;
  readonly #waitMs: number;
  readonly #deadline: number;

  /** The time for everything, `--wait-ms`, begins. Nodes may also be found at `places`. Throws `UsageError`. */
  constructor(context: CommandContext, places: readonly Place[] = []) {
    this.#admin = new AdminConnection(context, places.map(({ host, port }) => ({ hostname: host, port })));
    this.#progress = new ProgressLine(context.surroundings);
    this.#waitMs = context.settings.integer("wait-ms");
    this.#deadline = performance.now() + this.#waitMs;
  }

  /** The cluster, once a leader is known. */
  view(): Promise<LedView> {
    return this.#admin.led();
  }

  /** The cluster as a node says it. */
  async json(): Promise<Readonly<Record<string, unknown>>> {
    return fieldsOf((await this.#admin.ask({ method: "GET", path: "/v1/cluster" })).json);
  }

  /** Adds a learner. Resolves to its id. */
  async add({ id, host, port, peerPort }: Place): Promise<NodeId> {
    const body = {
      ...(id === undefined ? {} : { id }),
      "peer_address": showAddress(host, peerPort),
      "client_address": showAddress(host, port),
    };
    return (await this.#insist({ method: "POST", path: "/v1/cluster/members", body })).id;
  }

  /** Gives a learner a vote, once it has caught up. */
  async promote(id: NodeId): Promise<void> {
    await this.#insist({ method: "POST", path: `/v1/cluster/members/${id}/promote` }, id);
  }

  /** Removes a member. Resolves to whether the cluster keeps in mind that it was removed. */
  async remove(id: NodeId): Promise<boolean> {
    return (await this.#insist({ method: "DELETE", path: `/v1/cluster/members/${id}` }, id)).isListed;
  }

  /** Lets a member lead no more, or again. */
  async drain(id: NodeId, word: "drain" | "undrain"): Promise<void> {
    await this.#insist({ method: "POST", path: `/v1/cluster/members/${id}/${word}` }, id);
  }

  /** Waits until the cluster is so; meanwhile it may be without a leader, or be away as a whole. */
  async until(isSo: (view: ClusterView) => boolean, waiting: string): Promise<void> {
    for (;;) {
      const view = await this.view().catch((error: unknown) => error);
      if (view instanceof Failure) await this.#waitOrThrow(view, view.message);
      else if (view instanceof Error) throw view;
      else if (isSo(view as ClusterView)) break;
      else await this.#waitOrThrow(new Failure(late(this.#waitMs, waiting)), waiting);
    }
    this.#progress.clear();
  }

  /** `about`: the member that there must be. */
  async #insist(request: AdminRequest, about?: NodeId): Promise<{ readonly id: NodeId; readonly isListed: boolean }> {
    for (;;) {
      const reply = await this.#admin.ask(request);
      const { id, listed, detail, passing, code } = fieldsOf(reply.json);
      // A leader of before does not say the id of one that it removed, and does not list it.
      const done = typeof id === "number" ? id : about;
      if (reply.status === OK && done !== undefined) {
        this.#progress.clear();
        return { id: done, isListed: listed === true };
      }
      if (code === "not_a_member" && about !== undefined) throw new Failure(noMember(about, await this.view()));
      if (passing !== true && code !== "outcome_unknown") throw this.#refused(reply);
      const exitCode = code === "outcome_unknown" ? EXIT.unknown : EXIT.failure;
      await this.#waitOrThrow(new Failure(late(this.#waitMs, String(detail)), exitCode), String(detail));
    }
  }

  #refused(reply: AdminReply): Failure {
    this.#progress.clear();
    return failureOf(reply);
  }

  async #waitOrThrow(failure: Failure, waiting: string): Promise<void> {
    if (performance.now() >= this.#deadline) {
      this.#progress.clear();
      throw failure;
    }
    this.#progress.show(`Waits: ${waiting}`);
    await this.#admin.pause(PAUSE_MS);
  }
}
