/** A node as one text session sees it, with what the node told that session: replies are judged by it. */

import type { Call, Command, CommandOrigin, Compare } from "../../../lib/kv/commands.ts";
import type { Reply } from "../../../lib/kv/replies.ts";
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
} from "../../../lib/node/api.ts";
import type { Node } from "../../../lib/node/node.ts";

/** Passes everything on, and keeps the last outcome of each kind. */
export class ObservedNode implements KeyValueNode {
  wrote: { readonly command: Command; readonly outcome: WriteOutcome } | undefined;
  readOutcome: ReadOutcome | undefined;
  readonly #node: Node;

  constructor(node: Node) {
    this.#node = node;
  }

  get id(): Node["id"] {
    return this.#node.id;
  }
  get state(): StateView {
    return this.#node.state;
  }
  get metrics(): Node["metrics"] {
    return this.#node.metrics;
  }
  get changes(): Node["changes"] {
    return this.#node.changes;
  }
  write(command: Command, done: (outcome: WriteOutcome) => void, login?: number): void {
    this.#node.write(command, (outcome) => {
      this.wrote = { command, outcome };
      done(outcome);
    }, login);
  }
  submit(command: Command, done: (outcome: WriteOutcome) => void, origin?: CommandOrigin): void {
    this.#node.submit(command, done, origin);
  }
  get users(): Node["users"] {
    return this.#node.users;
  }
  hasUsers(): boolean {
    return this.#node.hasUsers();
  }
  watchUsers(listener: () => void): () => void {
    return this.#node.watchUsers(listener);
  }
  answer(call: Call): Reply {
    return this.#node.answer(call);
  }
  ageMs(): number | undefined {
    return this.#node.ageMs();
  }
  get isQuarantined(): boolean {
    return this.#node.isQuarantined;
  }
  timeMs(): number {
    return this.#node.timeMs();
  }
  compare(compares: readonly Compare[]): boolean {
    return this.#node.compare(compares);
  }
  read(done: (outcome: ReadOutcome) => void): void {
    this.#node.read((outcome) => {
      this.readOutcome = outcome;
      done(outcome);
    });
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
    return this.#node.logTail(count);
  }
  takeSnapshot(): Promise<SnapshotOutcome> {
    return this.#node.takeSnapshot();
  }
  transferLeadership(target: Parameters<Node["transferLeadership"]>[0]): Promise<TransferOutcome> {
    return this.#node.transferLeadership(target);
  }
  changeMember(change: MemberChange): Promise<MemberChangeOutcome> {
    return this.#node.changeMember(change);
  }
  openBackup(): Promise<BackupOutcome> {
    return this.#node.openBackup();
  }
  rpcCounts(): RpcCounts {
    return this.#node.rpcCounts();
  }
}
