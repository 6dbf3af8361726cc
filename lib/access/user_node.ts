/** A node as one user, or nobody, may use it: whatever is read or done is judged in the very moment, by the users of the applied state. */

import type { Call, Command, CommandOrigin, Compare } from "../kv/commands.ts";
import { missingForCall, missingForParts } from "../kv/judge.ts";
import type { KeyRecord } from "../kv/key_record.ts";
import type { Reply } from "../kv/replies.ts";
import {
  missingAdmin,
  type MissingRight,
  missingUse,
  NO_RIGHTS,
  type Rights,
  shownBy,
  shownRanges,
} from "../kv/rights.ts";
import type { UsersView } from "../kv/users.ts";
import type {
  BackupOutcome,
  KeyValueNode,
  LogLine,
  MemberChange,
  MemberChangeOutcome,
  MemberView,
  NodeHealth,
  NodeStatus,
  ReadOutcome,
  RpcCounts,
  SnapshotOutcome,
  StateView,
  TransferOutcome,
  WriteOutcome,
} from "../node/api.ts";
import type { Gate } from "./gate.ts";
import { ForbiddenError, type Login, loginId, NotLoggedInError } from "./login.ts";

/**
 * Throws `NotLoggedInError` where something would be shown, and rejects with it where something would be done, once the login is gone;
 * `ForbiddenError` where the user lacks a right for it.
 */
export class UserNode implements KeyValueNode {
  readonly #node: KeyValueNode;
  readonly #gate: UserGate;
  readonly #login: Login | undefined;

  /** `node` for who has that login. */
  constructor(node: KeyValueNode, { gate, login }: {
    readonly gate: UserGate;
    readonly login: Login | undefined;
  }) {
    this.#node = node;
    this.#gate = gate;
    this.#login = login;
  }

  get id(): KeyValueNode["id"] {
    return this.#node.id;
  }

  get metrics(): KeyValueNode["metrics"] {
    return this.#node.metrics;
  }

  get changes(): KeyValueNode["changes"] {
    return this.#node.changes;
  }

  get users(): UsersView {
    forbid(missingAdmin(this.#rights()));
    return this.#node.users;
  }

  get state(): StateView {
    const rights = this.#rights();
    return rights.isAdmin ? this.#node.state : new ReadableState(this.#node.state, rights);
  }

  write(command: Command, done: (outcome: WriteOutcome) => void): void {
    this.#node.write(command, done, loginId(this.#login));
  }

  submit(command: Command, done: (outcome: WriteOutcome) => void, origin?: CommandOrigin): void {
    this.#node.submit(command, done, { ...origin, login: loginId(this.#login) });
  }

  read(done: (outcome: ReadOutcome) => void): void {
    this.#node.read(done);
  }

  answer(call: Call): Reply {
    const rights = this.#rights();
    forbid(missingForCall(call, rights));
    return this.#node.answer(call, shownBy(rights));
  }

  ageMs(): number | undefined {
    return this.#node.ageMs();
  }

  get isQuarantined(): boolean {
    return this.#node.isQuarantined;
  }

  compare(compares: readonly Compare[]): boolean {
    forbid(missingForParts({ compares, calls: [] }, this.#rights()));
    return this.#node.compare(compares);
  }

  timeMs(): number {
    return this.#node.timeMs();
  }

  status(): NodeStatus {
    return this.#node.status();
  }

  health(): NodeHealth {
    return this.#node.health();
  }

  members(): readonly MemberView[] {
    return this.#node.members();
  }

  logTail(count: number): readonly LogLine[] {
    if (!this.#gate.admits(this.#login)) throw new NotLoggedInError();
    this.#checkAdmin();
    return this.#node.logTail(count);
  }

  rpcCounts(): RpcCounts {
    return this.#node.rpcCounts();
  }

  hasUsers(): boolean {
    return this.#node.hasUsers();
  }

  watchUsers(listener: () => void): () => void {
    return this.#node.watchUsers(listener);
  }

  async takeSnapshot(): Promise<SnapshotOutcome> {
    await this.#confirm();
    return await this.#node.takeSnapshot();
  }

  async openBackup(): Promise<BackupOutcome> {
    await this.#confirm();
    return await this.#node.openBackup();
  }

  async transferLeadership(target: KeyValueNode["id"] | undefined): Promise<TransferOutcome> {
    await this.#confirm();
    return await this.#node.transferLeadership(target);
  }

  async changeMember(change: MemberChange): Promise<MemberChangeOutcome> {
    await this.#confirm();
    return await this.#node.changeMember(change);
  }

  #rights(): Rights {
    const rights = this.#gate.rightsOf(this.#login);
    if (rights === undefined) throw new NotLoggedInError();
    return rights;
  }

  #checkAdmin(): void {
    if (!this.#gate.isAdmin(this.#login)) forbid(missingAdmin(NO_RIGHTS));
  }

  /** Another node may have heard of a change of the users that this one has not applied. */
  async #confirm(): Promise<void> {
    if (!await this.#gate.confirms(this.#login)) throw new NotLoggedInError();
    this.#checkAdmin();
  }
}

type UserGate = Pick<Gate, "admits" | "confirms" | "rightsOf" | "isAdmin">;

function forbid(missing: MissingRight | undefined): void {
  if (missing !== undefined) throw new ForbiddenError(missing);
}

/** The state as somebody sees it who may not read every key. */
class ReadableState implements StateView {
  readonly #state: StateView;
  readonly #rights: Rights;

  constructor(state: StateView, rights: Rights) {
    this.#state = state;
    this.#rights = rights;
  }

  get readTimeMs(): number {
    return this.#state.readTimeMs;
  }

  get size(): number {
    return this.#state.size;
  }

  get bytes(): number {
    return this.#state.bytes;
  }

  get(key: string): KeyRecord | undefined {
    forbid(missingUse(this.#rights, { right: "read", prefix: key }));
    return this.#state.get(key);
  }

  peek(key: string): KeyRecord | undefined {
    forbid(missingUse(this.#rights, { right: "read", prefix: key }));
    return this.#state.peek(key);
  }

  *records(start: string): Iterable<readonly [key: string, record: KeyRecord]> {
    const shown = shownBy(this.#rights);
    if (shown === undefined) return yield* this.#state.records(start);
    for (const [from, prefix] of shownRanges(shown, start)) {
      for (const each of this.#state.records(from)) {
        if (!each[0].startsWith(prefix)) break;
        yield each;
      }
    }
  }
}
