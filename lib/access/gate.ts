/**
 * Who may come in: logins by user and password, or by token, and what becomes of them when the users change. Without users everybody may.
 *
 * What is known of users is the applied state. A login asks the leader first, so that it is judged by every change that was acknowledged
 * before; commands are judged once more where they take effect (ADR 30).
 */

import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import type { CertifiedClient } from "../base/certified_client.ts";
import type { Clock } from "../base/clock.ts";
import type { Rights } from "../kv/rights.ts";
import { NEVER } from "../kv/tokens.ts";
import { isUserName } from "../kv/users.ts";
import type { KeyValueNode, ReadOutcome } from "../node/api.ts";
import type { NodeLog } from "../node/options.ts";
import { type Audit, type AuditProtocol, NO_AUDIT } from "../observe/audit.ts";
import { AclLog, type RefusedCommand } from "./acl_log.ts";
import { HashQueue } from "./hash_queue.ts";
import { LAUNCHER, type Login, loginId } from "./login.ts";
import { LoginDelays } from "./login_delays.ts";
import { makePass, PassReader, type PassSubject } from "./node_pass.ts";
import { isPassword } from "./passwords.ts";
import { isSecret, readToken, TOKEN_USER } from "./tokens.ts";
import { WebSessions } from "./web_sessions.ts";

/** Logins that are remembered, so that the same user and password need no work again; the oldest is forgotten. */
export const LOGINS_KEPT_MAX = 1_024;
/** Attempts of one address that may wait for their turn, and as many beside them that wait because others have failed. */
export const LOGINS_PER_ADDRESS_MAX = 32;
const KEY_BYTES = 32;
/** No user can be called so. */
const LAUNCHER_NAME = "(launcher)";

/** What became of an attempt. `NotReady`: there may be users, and none is known here yet. */
export type LoginOutcome =
  | { readonly type: "LoggedIn"; readonly login: Login }
  | { readonly type: "WrongPassword" | "Busy" | "NotReady" };

/** Who is inside, or gets something piece by piece. */
export interface Visitor {
  readonly login: Login | undefined;
  /** Whether who has that login still may have what he gets; asked with every change of the users. Left out: as long as the login holds. */
  holds?(): boolean;
  /** The login holds no more: nothing further is done or shown. May be called from within what applies entries. */
  loginEnded(): void;
}

/** What somebody says of himself. Byte strings. */
export interface Claim {
  /** With a token `TOKEN_USER`, or the name of the user whose it is. */
  readonly name: string;
  /** Or a token. */
  readonly password: string;
  /** Where he comes from, without a port. */
  readonly address: string;
  readonly protocol: AuditProtocol;
}

/** What a gate works with. */
export interface GateParts {
  readonly node: Pick<KeyValueNode, "id" | "users" | "hasUsers" | "watchUsers" | "read" | "timeMs">;
  readonly clock: Clock;
  /** The date of this machine, in ms since 1970. */
  readonly dateMs: () => number;
  readonly log: NodeLog;
  /** Of the cluster, "" for none: who does not know it passes nothing on to this node. */
  readonly secret: string;
  /** What counts as well, while the cluster changes from one to another; left out for nothing. */
  readonly otherSecrets?: readonly string[];
  /** Of the launcher that started this node; undefined where none did. */
  readonly launcherSecret?: string | undefined;
  /** There will be users: nobody comes in before. */
  readonly awaitsUsers: boolean;
  /** Where logins and what is done with them are recorded; nowhere when left out. */
  readonly audit?: Audit;
}

/** One for all protocols of a server. */
export class Gate {
  /** For every password that is worked on. */
  readonly hashes = new HashQueue();
  /** What is to be recorded goes there: logins by this gate, all else by whoever does it or refuses it. */
  readonly audit: Audit;
  /** Logins of browsers. */
  readonly webSessions: WebSessions;
  /** What was refused last, for ACL LOG. */
  readonly aclLog = new AclLog();
  readonly #parts: GateParts;
  readonly #delays = new LoginDelays();
  readonly #passes: PassReader;
  readonly #visitors = new Set<Visitor>();
  /** By what was claimed, hashed with a key of this process. */
  readonly #known = new Map<string, Login>();
  readonly #key = randomBytes(KEY_BYTES);
  readonly #attempts = new Map<string, Promise<LoginOutcome>>();
  /** The last attempt for each pair of address and user that is under way: they come one after the other. */
  readonly #lines = new Map<string, Promise<unknown>>();
  readonly #waiting = new Map<string, number>();

  /** Looks after its visitors from now on. */
  constructor(parts: GateParts) {
    this.#parts = parts;
    this.audit = parts.audit ?? NO_AUDIT;
    this.webSessions = new WebSessions({ clock: parts.clock, gate: this });
    this.#passes = new PassReader((login) => this.#passKeysOf(login));
    parts.node.watchUsers(() => this.#usersChanged());
  }

  /** Whether who has that login, or none, may ask something of this node. */
  admits(login: Login | undefined): boolean {
    const { node, awaitsUsers } = this.#parts;
    if (login === undefined) return !awaitsUsers && !node.hasUsers();
    return login === LAUNCHER || node.users.allows(login.id);
  }

  /** The same for reads and writes of keys, which are judged again where they take effect: without a look at the log. */
  admitsToKeys(login: Login | undefined): boolean {
    const { node: { users }, awaitsUsers } = this.#parts;
    if (login === undefined) return !awaitsUsers && users.size === 0;
    return users.allows(login.id);
  }

  /** What who has that login may do with keys, by the state that is applied; undefined when the login holds no more. */
  rightsOf(login: Login | undefined): Rights | undefined {
    return this.#parts.node.users.rightsOf(loginId(login));
  }

  /** Whether who has that login may administer, by the state that is applied. */
  isAdmin(login: Login | undefined): boolean {
    return login === LAUNCHER || this.rightsOf(login)?.isAdmin === true;
  }

  /** As `admits`, by all that was acknowledged before, unless no leader is there to tell. */
  async confirms(login: Login | undefined): Promise<boolean> {
    if (login !== undefined) await new Promise<ReadOutcome>((resolve) => this.#parts.node.read(resolve));
    return this.admits(login);
  }

  /** The login of a claim that was right before and still is, without any work; undefined for every other one. */
  known({ name, password }: Pick<Claim, "name" | "password">): Login | undefined {
    return this.#stillKnown(this.#hashOf({ name, password }));
  }

  /** Judges a claim. Never rejects. */
  login(claim: Claim): Promise<LoginOutcome> {
    const hash = this.#hashOf(claim);
    const known = this.#stillKnown(hash);
    if (known !== undefined) {
      this.#record(claim, { type: "LoggedIn", login: known });
      return Promise.resolve({ type: "LoggedIn", login: known });
    }
    // Many connections that begin together claim the same.
    const joined = this.#attempts.get(`${claim.address} ${hash}`);
    const attempt = joined ?? this.#attempt(claim, hash);
    // Of HTTP each request is a claim, and those that come together are one login.
    if (joined !== undefined && claim.protocol === "http") return attempt;
    return attempt.then((outcome) => {
      this.#record(claim, outcome);
      return outcome;
    });
  }

  /** Whether a connection is one of a user by its certificate. */
  isCertified(client: CertifiedClient | undefined): boolean {
    return client !== undefined && this.#parts.node.users.find(client.name) !== undefined;
  }

  /**
   * The login of the user whom the certificate of a connection names, by the state that is applied; undefined where nobody is called so. What is
   * done and shown by it is judged again as for every login.
   */
  certified(
    client: CertifiedClient | undefined,
    { address, protocol }: Pick<Claim, "address" | "protocol">,
  ): Login | undefined {
    const user = client === undefined ? undefined : this.#parts.node.users.find(client.name);
    if (client === undefined || user === undefined) return undefined;
    const { name, login: id } = user;
    if (client.login !== id) {
      client.login = id;
      this.audit.record({
        ...{ type: "Login", user: name, from: address, protocol, command: "certificate" },
        ...{ isAllowed: true, outcome: "LoggedIn" },
      });
    }
    return { name, id };
  }

  /** How long the next attempt of that address for that user will be held up, in ms. */
  delayMs({ name, address }: Pick<Claim, "name" | "address">): number {
    return this.#delays.delayMs(pairOf({ name, address }), this.#parts.clock.now());
  }

  /** Who that is, for people; "" for nobody. Nobody else can have the name of the launcher. */
  nameOf(login: Login | undefined): string {
    if (login === undefined) return "";
    if (login === LAUNCHER) return LAUNCHER_NAME;
    return login.name !== "" ? login.name : this.#parts.node.users.findByLogin(login.id)?.name ?? "";
  }

  /** A command of another protocol than Redis's was refused: for ACL LOG, where it was for a right, and not for the lack of a login. */
  noteRefusal({ login, key, command, context, remote }: RefusedCommand & { readonly login: Login | undefined }): void {
    if (this.rightsOf(login) === undefined) return;
    const { clock, node } = this.#parts;
    const username = this.nameOf(login);
    this.aclLog.add({
      ...key === undefined ? { reason: "command", object: command } : { reason: "key", object: key },
      ...{ context, username, clientInfo: `addr=${remote} user=${username}`, at: clock.now(), timeMs: node.timeMs() },
    });
  }

  /** The login on whose behalf another node, or the launcher, asks with a pass; undefined when it is none. */
  pass(pass: string, subject: PassSubject): Login | undefined {
    const { node, dateMs } = this.#parts;
    // The launcher knows the date alone, and the cluster's time goes its own way where that was set back.
    const id = this.#passes.read(pass, { subject, nowMs: [node.timeMs(), dateMs()] });
    if (id === undefined) return undefined;
    return id === LAUNCHER.id ? LAUNCHER : { name: "", id };
  }

  /** A pass by which another node takes a request for that login; undefined when the login holds no more here. */
  makePass(subject: PassSubject, login: Login): string | undefined {
    const [key, ...also] = this.#passKeysOf(login.id);
    if (key === undefined) return undefined;
    return makePass(key, { subject, login: login.id, nowMs: this.#parts.node.timeMs(), also });
  }

  /** Is told when its login holds no more, until `leave`. */
  enter(visitor: Visitor): void {
    this.#visitors.add(visitor);
  }

  /** Idempotent. */
  leave(visitor: Visitor): void {
    this.#visitors.delete(visitor);
  }

  /** Nodes alone know what is kept of a password. Where links between them are open to others the secret keeps those from making passes. */
  #passKeysOf(login: number): readonly string[] {
    const { node: { users }, secret, otherSecrets = [], launcherSecret } = this.#parts;
    if (login === LAUNCHER.id) return launcherSecret === undefined ? [] : [launcherSecret];
    const user = users.findByLogin(login);
    return user === undefined ? [] : [secret, ...otherSecrets].map((each) => `${each}\n${user.hash}`);
  }

  /** What was given for a name may be a password: it is recorded where somebody is called so. */
  #record(claim: Claim, outcome: LoginOutcome): void {
    const { name, address, protocol } = claim;
    const { type } = outcome;
    const { users } = this.#parts.node;
    const isThere = users.find(name) !== undefined;
    const login = type === "LoggedIn" ? outcome.login : undefined;
    const wrong = isByToken(claim) ? "WrongToken" : isThere ? type : "UnknownUser";
    this.audit.record({
      ...{ type: "Login", user: login?.name ?? (isThere ? name : ""), from: address, protocol, command: "login" },
      subject: login === undefined ? undefined : users.findToken(login.id)?.name,
      isAllowed: type === "LoggedIn",
      outcome: type === "WrongPassword" ? wrong : type,
    });
  }

  #attempt(claim: Claim, hash: string): Promise<LoginOutcome> {
    const { address } = claim;
    const pair = pairOf(claim);
    const before = this.#lines.get(pair);
    // Whoever guesses at one user does not take the places of those who want to come in as another.
    const isHeldUp = before !== undefined || this.#delays.delayMs(pair, this.#parts.clock.now()) > 0;
    const place = `${isHeldUp ? "held up" : "free"} ${address}`;
    const waiting = this.#waiting.get(place) ?? 0;
    const isFull = this.hashes.isFull && !isByToken(claim);
    if (waiting >= LOGINS_PER_ADDRESS_MAX || isFull) return Promise.resolve({ type: "Busy" });
    this.#waiting.set(place, waiting + 1);
    const attempt = (before ?? Promise.resolve()).then(() => this.#judge(claim, { pair, hash })).finally(() => {
      const left = (this.#waiting.get(place) ?? 1) - 1;
      if (left === 0) this.#waiting.delete(place);
      else this.#waiting.set(place, left);
      this.#attempts.delete(`${address} ${hash}`);
      if (this.#lines.get(pair) === attempt) this.#lines.delete(pair);
    });
    this.#lines.set(pair, attempt);
    this.#attempts.set(`${address} ${hash}`, attempt);
    return attempt;
  }

  async #judge(
    claim: Claim,
    { pair, hash }: { readonly pair: string; readonly hash: string },
  ): Promise<LoginOutcome> {
    const { node, clock, log } = this.#parts;
    const { address } = claim;
    const delayMs = this.#delays.delayMs(pair, clock.now());
    if (delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve));
    // Without a leader what is known here has to do: somebody must be able to look after such a node.
    await new Promise<ReadOutcome>((resolve) => node.read(resolve));
    if (node.users.size === 0) return { type: "NotReady" };
    const login = isByToken(claim) ? this.#byToken(claim) : await this.#byPassword(claim);
    if (login === "Busy") return { type: "Busy" };
    if (login === undefined) {
      this.#delays.failed(pair, clock.now());
      log("warn", `A login from ${address} was refused`);
      return { type: "WrongPassword" };
    }
    this.#delays.succeeded(pair);
    this.#remember(hash, login);
    return { type: "LoggedIn", login };
  }

  async #byPassword({ name, password, address }: Claim): Promise<Login | "Busy" | undefined> {
    const user = this.#parts.node.users.find(name);
    const isRight = await this.hashes.run(address, () => isPassword(password, user?.hash));
    if (isRight === undefined) return "Busy";
    // It may have been changed meanwhile.
    return isRight && user !== undefined && this.#parts.node.users.find(name)?.login === user.login
      ? { name: user.name, id: user.login }
      : undefined;
  }

  #byToken({ name, password }: Claim): Login | undefined {
    const { users } = this.#parts.node;
    const { id = 0, secret = "" } = readToken(password) ?? {};
    const token = users.findToken(id);
    if (!isSecret(secret, token?.hash) || token === undefined || this.#hasExpired(id)) return undefined;
    const user = users.findByLogin(id);
    return user !== undefined && (name === TOKEN_USER || name === user.name) ? { name: user.name, id } : undefined;
  }

  /** Whether that is the login of a token whose time is over, though no entry has said so yet. */
  #hasExpired(login: number): boolean {
    const { node } = this.#parts;
    const { expiresAt = NEVER } = node.users.findToken(login) ?? {};
    return expiresAt !== NEVER && expiresAt <= node.timeMs();
  }

  #stillKnown(hash: string): Login | undefined {
    const login = this.#known.get(hash);
    if (login === undefined || !this.#parts.node.users.allows(login.id)) return undefined;
    return this.#hasExpired(login.id) ? undefined : login;
  }

  #remember(hash: string, login: Login): void {
    this.#known.set(hash, login);
    if (this.#known.size <= LOGINS_KEPT_MAX) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  #hashOf({ name, password }: Pick<Claim, "name" | "password">): string {
    return createHmac("sha256", this.#key).update(Buffer.from(`${name.length} ${name}${password}`, "latin1")).digest(
      "base64",
    );
  }

  #usersChanged(): void {
    for (const [hash, { id }] of [...this.#known]) if (!this.#parts.node.users.allows(id)) this.#known.delete(hash);
    for (const visitor of [...this.#visitors]) {
      if (!this.admits(visitor.login) || visitor.holds?.() === false) visitor.loginEnded();
    }
  }
}

/** Whatever else is claimed, what has the form of a token is no password, and needs no work. */
function isByToken({ name, password }: Claim): boolean {
  return name === TOKEN_USER || readToken(password) !== undefined;
}

/** What can be no name is none: names of any length would be kept as long as failures are. */
function pairOf({ name, address }: Pick<Claim, "name" | "address">): string {
  return `${address} ${isUserName(name) ? name : ""}`;
}
