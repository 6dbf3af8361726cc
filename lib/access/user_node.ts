/** A node as one user, or nobody, may use it: whatever is read or done is judged in the very moment, by the users of the applied state. */

import type { Call, Command, CommandOrigin, Compare } from "../kv/commands.ts";
import type { Reply } from "../kv/replies.ts";
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
import { type Login, loginId, NotLoggedInError } from "./login.ts";

/** Throws `NotLoggedInError` where something would be shown, and rejects with it where something would be done, once the login is gone. */
export class UserNode implements KeyValueNode {
  readonly #node: KeyValueNode;
  readonly #gate: Pick<Gate, "admits" | "confirms">;
  readonly #login: Login | undefined;

  /** `node` for who has that login. */
  constructor(node: KeyValueNode, { gate, login }: {
    readonly gate: Pick<Gate, "admits" | "confirms">;
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
    this.#checkKeys();
    return this.#node.users;
  }

  get state(): StateView {
    this.#checkKeys();
    return this.#node.state;
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
    this.#checkKeys();
    return this.#node.answer(call);
  }

  ageMs(): number | undefined {
    return this.#node.ageMs();
  }

  compare(compares: readonly Compare[]): boolean {
    this.#checkKeys();
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

  #checkKeys(): void {
    if (!this.#node.users.allows(loginId(this.#login))) throw new NotLoggedInError();
  }

  /** Another node may have heard of a change of the users that this one has not applied. */
  async #confirm(): Promise<void> {
    if (!await this.#gate.confirms(this.#login)) throw new NotLoggedInError();
  }
}
