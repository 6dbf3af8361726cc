/** Users with rights by prefix, which are granted and revoked while they write, read, list, compare and use a session. */

import { assert } from "../../lib/base/assert.ts";
import { type Call, type Command, encodeCommand } from "../../lib/kv/commands.ts";
import { type Grant, makeRights, NO_RIGHTS, type Rights, type RightsChange } from "../../lib/kv/rights.ts";
import type { WriteOutcome } from "../../lib/node/api.ts";
import type { Node } from "../../lib/node/node.ts";
import {
  FAMILY,
  makeCallOnOneKey,
  makeSessionCall,
  makeSharedCall,
  makeTransaction,
  type Words,
} from "./call_maker.ts";
import type { Workload } from "./clients.ts";
import { type Asker, GrantReads } from "./grant_reads.ts";
import type { Pending } from "./pending.ts";
import type { HttpWork } from "./protocols/http_work.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** Users with rights by prefix, as far as it is known of them. */
const USERS_MAX = 3;
/** Logins that have ended, the newest of which are used on. */
const ENDED_KEPT = 4;
const ENDED_SHARE = 0.1;
/** Of what is done here, so many hundredths change rights, and so many remove a user. */
const CHANGES_SHARE = 0.25;
const REMOVALS_SHARE = 0.02;
/** What these users do, in hundredths: the rest writes. */
const READS_SHARE = 45;
const HTTP_SHARE = 10;
const SESSION_SHARE = 15;
/** Somebody tries to change users who may not. */
const OWN_RIGHTS_SHARE = 3;

/** So many times each node is asked for something under a login that loses a right, within so many times the latency of the network. */
const ASKED_AT_THE_END = 3;
const ASKED_WITHIN_LATENCIES = 4;

/** Beginnings of the keys of the workload: of all, of families, and of parts of those. They are fewer than the grants that a user may have. */
const PREFIXES: readonly string[] = [
  ...["", "m", "m", "mkey0", "m__", "s", FAMILY.number, FAMILY.text, FAMILY.session],
  ...["k", "key0", "key0.", "__proto__", "\x00", "n"],
];

/** The session's numbers begin here: others who use it begin with 1. */
const SEQUENCES_FROM = 1_000_000;
const SESSION_TTL_MS = 60_000;

/** What is counted of rights. */
export const GRANT_NAMES = [
  ...["grant", "revoke", "forbidden", "forbidden read"] as const,
  ...["read with grants", "list with grants", "compare with grants", "session with grants"] as const,
];

/** Sends a command, and tells the entry that did it. */
export type Submit = (asked: Asker & { readonly command: Command }, done: (index: number) => void) => void;

/** One who can log in. */
export interface Known {
  readonly name: string;
  readonly login: number;
}

/** A session in use, and what was sent in it last. */
interface Used {
  readonly id: number;
  sequence: number;
  call: Call;
}

/** What grants and revokes rights, and what is done with them. */
export class GrantWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #words: Words;
  readonly #http: HttpWork;
  readonly #reads: GrantReads;
  readonly #submit: Submit;
  #users: readonly Known[] = [];
  #ended: readonly number[] = [];
  #names = 0;
  #session: Used | undefined;

  constructor(world: World, parts: {
    readonly workload: Workload;
    readonly words: Words;
    readonly http: HttpWork;
    readonly submit: Submit;
  }) {
    this.#world = world;
    this.#workload = parts.workload;
    this.#words = parts.words;
    this.#http = parts.http;
    this.#reads = new GrantReads(world, parts);
    this.#submit = parts.submit;
  }

  /** Those with rights by prefix, as far as it is known of them. */
  get users(): readonly Known[] {
    return this.#users;
  }

  /** One operation of a client; `keeper` is the login of the user who looks after the others. */
  act(client: number, server: SimServer, { node, keeper }: { readonly node: Node; readonly keeper: number }): void {
    const { random } = this.#words;
    const administrator = { client, server, login: keeper, isPatrol: false };
    const picked = this.#users.length === 0 ? undefined : random.pick(this.#users);
    if (picked === undefined || (this.#users.length < USERS_MAX && random.chance(0.1))) {
      return this.#create(administrator);
    }
    if (random.chance(REMOVALS_SHARE)) return this.#remove(administrator, picked);
    if (random.chance(CHANGES_SHARE)) return this.#change(administrator, picked);
    const isEnded = this.#ended.length > 0 && random.chance(ENDED_SHARE);
    const asker = { ...administrator, login: isEnded ? random.pick(this.#ended) : picked.login };
    let share = random.below(100);
    if (share < READS_SHARE) return this.#reads.read(asker, node);
    share -= READS_SHARE;
    if (share < HTTP_SHARE) return this.#http.act(client, server, { node, login: asker.login });
    share -= HTTP_SHARE;
    if (share < SESSION_SHARE) return this.#useSession(asker, keeper);
    share -= SESSION_SHARE;
    if (share >= OWN_RIGHTS_SHARE) return this.#write(asker);
    const command = setRights(picked.name, { revoked: "All", granted: { isAdmin: true, grants: [] } });
    this.#submit({ ...asker, command }, () => {});
  }

  #create(asker: Asker): void {
    this.#names += 1;
    const name = `part${this.#names}`;
    const { random } = this.#words;
    const digits = (length: number) => Array.from({ length }, () => random.below(16).toString(16)).join("");
    const hash = `scrypt:14:8:1:${digits(32)}:${digits(64)}`;
    const change = { revoked: "All", granted: this.#someGrants() } as const;
    this.#submit({ ...asker, command: { type: "SetUser", rule: "Create", name, hash, change } }, (login) => {
      this.#users = [...this.#users, { name, login }];
    });
  }

  #remove(asker: Asker, { name, login }: Known): void {
    this.#users = this.#users.filter((user) => user.login !== login);
    this.#ended = [login, ...this.#ended].slice(0, ENDED_KEPT);
    this.#askEverywhere(login);
    this.#submit({ ...asker, command: { type: "RemoveUser", name } }, () => {});
  }

  #change(asker: Asker, { name, login }: Known): void {
    if (this.#words.random.chance(0.5)) {
      const command = setRights(name, { revoked: NO_RIGHTS, granted: this.#someGrants() });
      return this.#submit({ ...asker, command }, () => this.#workload.count("grant"));
    }
    this.#askEverywhere(login);
    const command = setRights(name, this.#revocation(login));
    this.#submit({ ...asker, command }, () => this.#workload.count("revoke"));
  }

  /** Of one right that is there, of some that may not be, or of all of them for others. */
  #revocation(login: number): RightsChange {
    const { random } = this.#words;
    const { reference } = this.#world;
    if (random.chance(0.2)) return { revoked: "All", granted: this.#someGrants() };
    const grants = reference.rightsAt(login, reference.lastIndex)?.grants ?? [];
    if (grants.length === 0 || random.chance(0.15)) return { revoked: this.#someGrants(), granted: NO_RIGHTS };
    const { right, prefix } = random.pick(grants);
    return { revoked: rightsOf([{ prefix, read: right === "read", write: right === "write" }]), granted: NO_RIGHTS };
  }

  #someGrants(): Rights {
    const { random } = this.#words;
    const grants = Array.from({ length: random.between(1, 3) }, () => {
      const kind = random.pick(["read", "write", "both", "both"] as const);
      return { prefix: random.pick(PREFIXES), read: kind !== "write", write: kind !== "read" };
    });
    return rightsOf(grants);
  }

  /** What is asked for in the moment in which a right goes may be done before that, and not after. */
  #askEverywhere(login: number): void {
    const { random } = this.#words;
    for (const server of this.#world.running()) {
      const { node } = server;
      if (node === undefined) continue;
      for (let count = 0; count < ASKED_AT_THE_END; count++) {
        const action = () => {
          const asker = { client: this.#workload.newClient(), server, login, isPatrol: true };
          if (random.chance(0.3)) return this.#write(asker);
          if (random.chance(0.3)) return this.#http.ask(asker.client, server, { node, login });
          this.#reads.read(asker, node);
        };
        const delayMs = random.fraction() * ASKED_WITHIN_LATENCIES * this.#world.settings.latencyMs;
        this.#world.clock.plan(delayMs, { action, life: server.life, isArrival: false });
      }
    }
  }

  #write(asker: Asker): void {
    this.#submit({ ...asker, command: this.#makeWrite() }, () => {});
  }

  #makeWrite(): Command {
    const words = this.#words;
    switch (words.random.pick(["Put", "Delete", "OneKey", "Shared", "Shared", "Transaction", "Transaction"] as const)) {
      case "Put":
        return { type: "Put", key: words.key(""), value: words.value() };
      case "Delete":
        return { type: "Delete", key: words.key("") };
      case "OneKey":
        return { type: "Call", call: makeCallOnOneKey(words) };
      case "Shared":
        return { type: "Call", call: makeSharedCall(words) };
      default:
        return makeTransaction(words);
    }
  }

  /** A command under a number of the session; now and then again, and then perhaps for another user. */
  #useSession(asker: Asker, keeper: number): void {
    const { client, server, login } = asker;
    const used = this.#session;
    if (used === undefined) {
      const command = { type: "OpenSession", ttlMs: SESSION_TTL_MS } as const;
      return this.#submit({ ...asker, login: keeper, command }, (id) => {
        this.#session = { id, sequence: SEQUENCES_FROM, call: [] };
      });
    }
    const { random } = this.#words;
    if (used.call.length === 0 || random.chance(0.4)) {
      used.sequence += 1;
      used.call = random.chance(0.6)
        ? ["KEYS", `${random.pick([FAMILY.shared, FAMILY.session])}*`]
        : makeSessionCall(this.#words);
    }
    const command = { type: "Call", call: used.call } as const;
    const session = { id: used.id, sequence: used.sequence };
    const pending = this.#workload.begin(client, { operation: "session with grants", key: "", argument: null, server });
    const encoded = encodeCommand(command, session, login);
    const ended = (outcome: WriteOutcome) => this.#sessionUsed(pending, { used, encoded, outcome });
    server.node?.submit(command, ended, { session, login });
  }

  #sessionUsed(
    pending: Pending,
    { used, encoded, outcome }: { readonly used: Used; readonly encoded: string; readonly outcome: WriteOutcome },
  ): void {
    if (!this.#workload.isExpected(pending)) return;
    if (outcome.type === "Unknown") return this.#workload.lose(pending);
    if (outcome.type === "NotDone") return this.#workload.refuse(pending, outcome.reason);
    const { result } = outcome;
    if (this.#workload.isDenied(pending, { result, encoded })) return;
    this.#workload.judgeResult(pending, { result, encoded });
    if (result.type === "Refused" && result.reason === "NoSession" && this.#session === used) this.#session = undefined;
    // The first answer is older than what this client has seen since.
    this.#workload.complete(pending, { result: null, index: null });
  }
}

function setRights(name: string, change: RightsChange): Command {
  return { type: "SetUser", rule: "Change", name, hash: "", change };
}

function rightsOf(grants: readonly Grant[]): Rights {
  const rights = makeRights(false, grants);
  assert(rights !== undefined, "Grants of the workload can be together");
  return rights;
}
