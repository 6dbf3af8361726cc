/** A snapshot of the state machine taken in slices while commands go on. */

import { fault } from "../base/faults.ts";
import type { Cut } from "../store/cut.ts";
import type { Keyspace } from "./keyspace.ts";
import { bytesOfRights, writeRights } from "./rights.ts";
import { NO_OWNER, type Sessions } from "./sessions.ts";
import { jsonBlock, KeyBlock, readJsonBlock } from "./snapshot_blocks.ts";
import { TOKEN_BYTES, type TokenRecord } from "./tokens.ts";
import { isPlainAdmin, USER_BYTES, type UserRecord } from "./users.ts";

/** Version of the blocks, in the first block. Every version has a first block with its version as `format`. */
export const SNAPSHOT_FORMAT = 5;
/** A block is closed once it holds so many bytes of keys and values. */
const BLOCK_BYTES_TARGET = 65_536;
const TOKENS_PER_BLOCK = BLOCK_BYTES_TARGET / TOKEN_BYTES;

/** What a cut is made of. */
export interface CutParts {
  readonly keys: Keyspace;
  readonly sessions: Sessions;
  readonly users: readonly UserRecord[];
  readonly tokens: readonly TokenRecord[];
  readonly lastApplied: number;
  readonly onClose: () => void;
}

/** The state at one index: the same keys, sessions and users on every node with the same log, the keys in an order of its own. */
export class SnapshotCut {
  readonly #parts: CutParts;
  readonly #keys: Cut;
  readonly #block = new KeyBlock();
  readonly #timeMs: number;
  readonly #sessionIds: readonly number[];
  #nextSession = 0;
  #begun = false;
  #nextUser = 0;
  #nextToken = 0;
  #hasKeys = true;

  /** Index of the last entry that the cut holds. */
  readonly lastApplied: number;

  /** A cut of the state as it is now; `onClose` runs when it is closed. */
  constructor(parts: CutParts) {
    this.#parts = parts;
    this.#timeMs = parts.keys.timeMs;
    this.#sessionIds = parts.sessions.beginSnapshot();
    this.lastApplied = parts.lastApplied;
    this.#keys = parts.keys.cut(parts.lastApplied);
  }

  /** The next block, about 64 KiB or one longer record, valid until the next call; undefined after the last. */
  next(): Uint8Array | undefined {
    if (!this.#begun) {
      this.#begun = true;
      return jsonBlock({ format: SNAPSHOT_FORMAT, lastApplied: this.lastApplied, timeMs: this.#timeMs });
    }
    return this.#userBlock() ?? this.#tokenBlock() ?? this.#keyBlock() ?? this.#sessionBlock();
  }

  /** See `Cut`; asked behind the last block. */
  get isSound(): boolean {
    return this.#keys.isSound;
  }

  /** Lets the state machine go on without a cut. Idempotent. */
  close(): void {
    this.#keys.close();
    this.#parts.sessions.endSnapshot();
    this.#parts.onClose();
  }

  /** None without users, so that the blocks are those that programs of before write. */
  #userBlock(): Uint8Array | undefined {
    const users: unknown[] = [];
    let bytes = 0;
    for (; bytes < BLOCK_BYTES_TARGET && this.#nextUser < this.#parts.users.length; this.#nextUser++) {
      const user = this.#parts.users[this.#nextUser];
      if (user === undefined) break;
      const { name, login, created, hash, rights } = user;
      users.push([name, login, created, hash, ...isPlainAdmin(rights) ? [] : [writeRights(rights)]]);
      bytes += USER_BYTES + bytesOfRights(rights);
    }
    return users.length === 0 ? undefined : jsonBlock({ users });
  }

  /** None without tokens, for the same reason. */
  #tokenBlock(): Uint8Array | undefined {
    const from = this.#nextToken;
    const tokens = this.#parts.tokens.slice(from, from + TOKENS_PER_BLOCK);
    this.#nextToken += tokens.length;
    if (tokens.length === 0) return undefined;
    return jsonBlock({
      tokens: tokens.map(({ id, owner, name, hash, expiresAt }) => [id, owner, name, hash, expiresAt]),
    });
  }

  #keyBlock(): Uint8Array | undefined {
    const target = fault("kv/blockOfOneKey") ? 1 : BLOCK_BYTES_TARGET;
    while (this.#hasKeys && this.#block.length < target) {
      this.#hasKeys = this.#keys.next(target - this.#block.length, (record) => this.#block.add(record));
    }
    return this.#block.length === 0 ? undefined : this.#block.take();
  }

  #sessionBlock(): Uint8Array | undefined {
    const sessions: unknown[] = [];
    let bytes = 0;
    while (bytes < BLOCK_BYTES_TARGET && this.#nextSession < this.#sessionIds.length) {
      const record = this.#parts.sessions.snapshotOf(this.#sessionIds[this.#nextSession] ?? 0);
      this.#nextSession += 1;
      if (record === undefined) continue;
      const { id, ttlMs, expiresAt, floor, answers, owner } = record;
      sessions.push([id, ttlMs, expiresAt, floor, answers, ...owner === NO_OWNER ? [] : [owner]]);
      bytes += answers.reduce((sum, [, answer]) => sum + (answer?.length ?? 0) + 1, 1);
    }
    return sessions.length === 0 ? undefined : jsonBlock({ sessions });
  }
}

/** The version of a state by its first block; undefined when it is no first block. */
export function stateVersionOf(firstBlock: Uint8Array): number | undefined {
  const format = readJsonBlock(firstBlock)?.["format"];
  return typeof format === "number" ? format : undefined;
}
