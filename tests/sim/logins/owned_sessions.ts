/** Sessions that belong to a user: by his password, a new one and his tokens he uses them, and others try to. */

import { type Call, type Command, encodeCommand, type SessionUse } from "../../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { makeSessionCall, type Words } from "../call_maker.ts";
import type { Workload } from "../clients.ts";
import type { SimServer } from "../server.ts";

/** Sessions that are used; the oldest is forgotten. */
const SESSIONS_MAX = 4;
const NEW_SHARE = 0.15;
const AGAIN_SHARE = 0.3;
const FOREIGN_SHARE = 0.35;
const KEPT_SHARE = 0.15;
const CLOSED_SHARE = 0.1;
const TTL_MS = 60_000;

/** What is counted. */
export const OWNED_SESSION_NAMES = [
  ...["session opened by its owner", "session of its owner", "foreign session"] as const,
];

/** Who asks: the name tells users apart, the login is by any way in which he comes in. */
export interface SessionUser {
  readonly user: string;
  readonly login: number;
}

/** A session in use, and what was sent in it last. */
interface Owned {
  readonly id: number;
  readonly user: string;
  sequence: number;
  call: Call;
}

/** Opens them and uses them. What each command has to come to is known by the model. */
export class OwnedSessions {
  readonly #workload: Workload;
  readonly #words: Words;
  #sessions: readonly Owned[] = [];

  constructor({ workload, words }: { readonly workload: Workload; readonly words: Words }) {
    this.#workload = workload;
    this.#words = words;
  }

  /** One command of a session by one of `askers`, in most cases by its owner. */
  act(client: number, server: SimServer, askers: readonly SessionUser[]): void {
    const { random } = this.#words;
    if (this.#sessions.length === 0 || random.chance(NEW_SHARE)) {
      return this.#openOne(client, server, random.pick(askers));
    }
    const used = random.pick(this.#sessions);
    const { id } = used;
    const isForeign = random.chance(FOREIGN_SHARE);
    const wanted = askers.filter(({ user }) => (user === used.user) !== isForeign);
    const asker = random.pick(wanted.length > 0 ? wanted : askers);
    if (random.chance(KEPT_SHARE)) {
      return this.#submit({ client, server, asker }, { command: { type: "KeepAlive", session: id } });
    }
    if (random.chance(CLOSED_SHARE)) {
      return this.#submit({ client, server, asker }, { command: { type: "CloseSession", session: id } });
    }
    // Now and then again what was sent in it last, by whomever.
    if (used.call.length === 0 || !random.chance(AGAIN_SHARE)) {
      used.sequence += 1;
      used.call = makeSessionCall(this.#words);
    }
    const session = { id, sequence: used.sequence };
    this.#submit({ client, server, asker }, { command: { type: "Call", call: used.call }, session });
  }

  #openOne(client: number, server: SimServer, asker: SessionUser): void {
    const command: Command = { type: "OpenSession", ttlMs: TTL_MS, isOwned: true };
    this.#submit({ client, server, asker }, {
      command,
      done: (id) => {
        this.#workload.count("session opened by its owner");
        const opened: Owned = { id, user: asker.user, sequence: 0, call: [] };
        this.#sessions = [opened, ...this.#sessions].slice(0, SESSIONS_MAX);
      },
    });
  }

  #submit({ client, server, asker: { login } }: Asking, { command, session, done }: Sent): void {
    const pending = this.#workload.begin(client, { operation: "owned session", key: "", argument: null, server });
    const encoded = encodeCommand(command, session, login);
    const ended = (outcome: WriteOutcome) => {
      if (!this.#workload.isExpected(pending)) return;
      if (outcome.type === "Unknown") return this.#workload.lose(pending);
      if (outcome.type === "NotDone") return this.#workload.refuse(pending, outcome.reason);
      const { result } = outcome;
      if (this.#workload.isDenied(pending, { result, encoded })) return;
      this.#workload.judgeResult(pending, { result, encoded });
      const isForeign = result.type === "Refused" && result.reason === "ForeignSession";
      if (isForeign) this.#workload.count("foreign session");
      else if (result.type === "Reply" && session !== undefined) this.#workload.count("session of its owner");
      if (result.type === "Reply") done?.(result.revision);
      // The first answer is older than what this client has seen since.
      this.#workload.complete(pending, { result: null, index: null });
    };
    server.node?.submit(command, ended, { login, ...(session === undefined ? {} : { session }) });
  }
}

interface Asking {
  readonly client: number;
  readonly server: SimServer;
  readonly asker: SessionUser;
}

interface Sent {
  readonly command: Command;
  readonly session?: SessionUse;
  /** Told the entry that did it. */
  readonly done?: (index: number) => void;
}
