/**
 * How commands that administer a cluster talk to it: `--connect` names client ports, a node behind one of them says where its
 * HTTP is, and any node takes a request and passes on what only the leader can do.
 */

import { bytesToString, byteStringToText, stringToBytes, textToByteString } from "../base/bytes.ts";
import { speaksTls, TlsError, type Trust } from "../base/dial.ts";
import { Connection } from "../client/connection.ts";
import { platformConnector } from "../client/connector.ts";
import { ServerError } from "../client/errors.ts";
import { type LongAnswer, openDownload } from "../http/direct_download.ts";
import { requestDirectly } from "../http/direct_request.ts";
import { SystemClock } from "../node/clock/system_clock.ts";
import { type Endpoint, parseAddress } from "../transport/address.ts";
import { clientTrust, TLS_PROBE_MS, tlsFailureLine, tlsIsSpokenLine } from "./client_tls.ts";
import { type ClusterView, fieldsOf, readClusterView } from "./cluster_view.ts";
import type { CommandContext } from "./command_context.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { EXIT, Failure } from "./failures.ts";
import { showAddress } from "./peers.ts";
import { readConnectList } from "./shell/connections.ts";

/** Longest wait for one node to say where its HTTP is, or to answer a question, in ms. */
export const NODE_MS_MAX = 2_000;
/** Longest wait for what a node was told to do: a node waits 10 s for the leader to which it passes a request on. */
export const ORDER_MS = 15_000;
/** The pause before all nodes are asked again. */
const RETRY_MS = 100;
/** Longest answer that is taken: that of a cluster with many members. */
export const REPLY_BYTES_MAX = 1_048_576;
const HTTP_FIELD = /^raft_http_address:(\S+)\r?$/m;
const HTTPS_FIELD = /^raft_https_address:(\S+)\r?$/m;
/** How long a node may take to begin a long answer, for which it may have to write and read a snapshot: about 25 GB at its pace, in ms. */
export const DOWNLOAD_HEAD_MS = 1_800_000;
/** How long nothing may come of a long answer, in ms. */
export const DOWNLOAD_SILENCE_MS = 60_000;
const OK = 200;
const PARTIAL = 206;
const METHOD_NOT_ALLOWED = 405;
/** Codes of Redis for somebody who has not logged in. */
export const LOGIN_CODES: readonly string[] = ["NOAUTH", "WRONGPASS"];
/** The line for somebody who has not. */
export const LOGIN_NEEDED =
  "The cluster has users, and no user and password that are right were given; give --user NAME";
const UNAVAILABLE = 503;

/** What to ask of any node. */
export interface AdminRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; no body when left out. */
  readonly body?: unknown;
}

/** What a node answered. */
export interface AdminReply {
  /** Where its HTTP is. */
  readonly address: string;
  readonly status: number;
  /** The body; undefined when it is no JSON. */
  readonly json: unknown;
}

/** The way to a cluster. Remembers the nodes that it has heard of, and goes on with another when one is gone. */
export class AdminConnection {
  readonly #endpoints: readonly Endpoint[];
  readonly #timeoutMs: number;
  readonly #trust: Trust | undefined;
  readonly #credentials: Credentials | undefined;
  readonly #clock = new SystemClock();
  /** HTTP addresses of nodes, the last that answered first. */
  #known: readonly string[] = [];
  /** Why a node of `--connect` could not be spoken to with TLS. */
  #tlsFailure: TlsError | undefined;

  /**
   * Reads `--connect`, beside `more` client ports, `--timeout-ms`, whom to log in as and the flags of TLS; connects only when something is
   * asked. Throws `UsageError`, `CertificateError` and `Failure`.
   */
  constructor(context: Pick<CommandContext, "settings" | "surroundings">, more: readonly Endpoint[] = []) {
    const { settings } = context;
    this.#trust = clientTrust(context);
    this.#endpoints = [
      ...readConnectList(settings.text("connect"), { keepsNames: this.#trust !== undefined }),
      ...more,
    ];
    this.#timeoutMs = settings.integer("timeout-ms");
    this.#credentials = readCredentials(settings);
  }

  /** The cluster as some node sees it. Throws `Failure`. */
  async cluster(): Promise<ClusterView> {
    const { json } = await this.ask({ method: "GET", path: "/v1/cluster" });
    const view = readClusterView(json);
    if (view === undefined) throw new Failure("What answered over HTTP is no KVStore node; --connect names others");
    const others = view.members.map(({ httpAddress }) => httpAddress).filter((address) => address !== "");
    this.#known = [...new Set([...this.#known, ...others])];
    return view;
  }

  /** The same, once a leader is known. Throws `Failure`, with exit code 5 when there is none within `--timeout-ms`. */
  async led(): Promise<ClusterView & { readonly leader: number }> {
    const deadline = this.#clock.now() + this.#timeoutMs;
    for (;;) {
      const view = await this.cluster();
      const { leader, quorum } = view;
      if (leader !== undefined) return { ...view, leader };
      if (this.#clock.now() >= deadline) {
        const { reachable, total, needed } = quorum;
        const line = `No leader; node ${view.node} reaches ${reachable} of ${total} nodes, needs ${needed}`;
        throw new Failure(line, EXIT.noLeader);
      }
      await this.pause(RETRY_MS);
      // Another node may see a leader where this one, cut off, does not.
      this.#known = [...this.#known.slice(1), ...this.#known.slice(0, 1)];
    }
  }

  /**
   * Asks the nodes in turn until one answers with something else than 503, for `--timeout-ms`, or until there can be no TLS with any. Where a connection breaks before
   * the answer the next node is asked, so a request may arrive twice. Throws `Failure`: exit code 1 when no node could be reached,
   * 5 when none knew a leader, 6 when a node was told to do something and did not answer.
   */
  async ask(request: AdminRequest): Promise<AdminReply> {
    return await this.#inTurn((address) => this.askNode(address, request));
  }

  /**
   * Asks the nodes in turn, the last that answered first, for an answer that may be long. Throws as `ask` does. Of an answer other than
   * 200 and 206 only the JSON is given.
   */
  async open(
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<AdminReply & { readonly download?: LongAnswer }> {
    return await this.#inTurn((address) => this.#openOn(address, { path, headers }));
  }

  async #openOn(
    address: string,
    { path, headers }: { readonly path: string; readonly headers: Readonly<Record<string, string>> },
  ): Promise<(AdminReply & { readonly download?: LongAnswer }) | "NotSeen"> {
    try {
      const download = await openDownload({
        ...{ address, path, headers: { ...basicOf(this.#credentials), ...headers } },
        ...{ clock: this.#clock, trust: this.#trust, headMs: DOWNLOAD_HEAD_MS, silenceMs: DOWNLOAD_SILENCE_MS },
      });
      const { status } = download;
      if (status === OK || status === PARTIAL) return { address, status, json: undefined, download };
      return { address, status, json: parsed(await textOf(download)) };
    } catch {
      return "NotSeen"; // Whatever broke it, nothing was to be done; the other nodes are asked.
    }
  }

  async #inTurn<Reply extends AdminReply>(
    attempt: (address: string) => Promise<Reply | "NotSeen" | "Unknown">,
  ): Promise<Reply> {
    const deadline = this.#clock.now() + this.#timeoutMs;
    let failure: Failure | undefined;
    for (;;) {
      for await (const address of this.#addresses()) {
        const reply = await attempt(address);
        if (typeof reply === "string") {
          if (reply === "Unknown") failure = new Failure(describeSilence(address), EXIT.unknown);
          continue;
        }
        this.#known = [address, ...this.#known.filter((other) => other !== address)];
        if (reply.status !== UNAVAILABLE) return reply;
        if (failure?.exitCode !== EXIT.unknown) failure = failureOf(reply);
      }
      const isLost = failure === undefined && this.#tlsFailure !== undefined && this.#tlsFailure.problem !== "Failed";
      if (isLost || this.#clock.now() >= deadline) throw failure ?? await this.#unreachable();
      await this.pause(RETRY_MS);
    }
  }

  /** Asks one node, and no other. "NotSeen" when it cannot have heard the request, "Unknown" when it may have done it. */
  async askNode(address: string, request: AdminRequest): Promise<AdminReply | "NotSeen" | "Unknown"> {
    const { method, path, headers = {}, body } = request;
    const isQuestion = method === "GET";
    try {
      const reply = await requestDirectly({
        address,
        method,
        path,
        headers: { "Content-Type": "application/json", ...basicOf(this.#credentials), ...headers },
        body: body === undefined ? new Uint8Array() : stringToBytes(textToByteString(JSON.stringify(body))),
        timeoutMs: isQuestion ? NODE_MS_MAX : ORDER_MS,
        bodyBytesMax: REPLY_BYTES_MAX,
        clock: this.#clock,
        trust: this.#trust,
      });
      return { address, status: reply.status, json: parsed(reply.body) };
    } catch (error) {
      // Whatever broke it, the node, the network or the time: only what was never sent has certainly not been done.
      const neverSent = error instanceof Deno.errors.ConnectionRefused || error instanceof TlsError;
      return isQuestion || neverSent ? "NotSeen" : "Unknown";
    }
  }

  /** Waits. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(delayMs, resolve));
  }

  /** The addresses that are known, then those that the nodes of `--connect` tell. */
  async *#addresses(): AsyncGenerator<string> {
    const known = this.#known;
    yield* known;
    for (const endpoint of this.#endpoints) {
      const address = await this.#httpAddressOf(endpoint);
      if (address !== undefined && !known.includes(address)) yield address;
    }
  }

  /** Where the node behind a client port serves HTTP; undefined when none answers there. */
  async #httpAddressOf(endpoint: Endpoint): Promise<string | undefined> {
    try {
      return await httpAddressOf(endpoint, { trust: this.#trust, credentials: this.#credentials });
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (error instanceof TlsError) this.#tlsFailure = error;
      return undefined; // Nobody is there, or somebody else; the other nodes are asked.
    }
  }

  async #unreachable(): Promise<Failure> {
    if (this.#tlsFailure !== undefined) return new Failure(tlsFailureLine(this.#tlsFailure));
    for (const { hostname, port } of this.#trust === undefined ? this.#endpoints : []) {
      if (await speaksTls({ hostname, port }, TLS_PROBE_MS)) {
        return new Failure(tlsIsSpokenLine(showAddress(hostname, port)));
      }
    }
    const all = this.#endpoints.map(({ hostname, port }) => showAddress(hostname, port)).join(", ");
    return new Failure(`Cannot reach any node of ${all}; is the cluster running? --connect names other addresses`);
  }
}

function describeSilence(address: string): string {
  return `Outcome unknown: ${address} was asked and did not answer; the command can be repeated`;
}

/** The failure that a refusal means: its `detail` as the line; exit code 5 for no leader, 6 for an unknown outcome, else 1. */
export function failureOf({ address, status, json }: AdminReply): Failure {
  const { code, detail } = fieldsOf(json);
  if (status === METHOD_NOT_ALLOWED) {
    return new Failure(`${address} runs an older program, which cannot do this; --connect names other nodes`);
  }
  const line = typeof detail === "string" && detail !== "" ? detail : `The node refused with HTTP status ${status}`;
  if (code === "outcome_unknown") return new Failure(line, EXIT.unknown);
  return new Failure(line, status === UNAVAILABLE ? EXIT.noLeader : EXIT.failure);
}

/** HTTP's own way to log in. */
function basicOf(credentials: Credentials | undefined): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  const { name, password } = credentials;
  return { Authorization: `Basic ${btoa(textToByteString(`${name}:${password}`))}` };
}

/** All of a body, up to the longest that is taken. */
async function textOf(download: LongAnswer): Promise<string> {
  let text = "";
  try {
    while (text.length < REPLY_BYTES_MAX) {
      const piece = await download.read();
      if (piece === undefined) break;
      text += bytesToString(piece);
    }
    return text;
  } finally {
    download.close();
  }
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(byteStringToText(text) ?? "");
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where the node behind a client port serves HTTP, or HTTPS, at the host by which it was reached; undefined when it does not say. Rejects when nobody answers. */
async function httpAddressOf(
  { hostname, port }: Endpoint,
  { trust, credentials }: { readonly trust: Trust | undefined; readonly credentials: Credentials | undefined },
): Promise<string | undefined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`No answer within ${NODE_MS_MAX} ms`)), NODE_MS_MAX);
  try {
    const options = { connector: platformConnector(trust), signal: late.signal, lost: () => {} };
    const connection = await Connection.open({ host: hostname, port }, options);
    late.signal.addEventListener("abort", () => connection.close(late.signal.reason));
    if (credentials !== undefined) await connection.ask(["AUTH", credentials.name, credentials.password]);
    const attempt = await connection.ask(["INFO", "raft"]);
    connection.close(new Error("All is said"));
    if (attempt.type === "Reply" && attempt.reply instanceof ServerError && LOGIN_CODES.includes(attempt.reply.code)) {
      throw new Failure(LOGIN_NEEDED);
    }
    if (attempt.type !== "Reply" || !(attempt.reply instanceof Uint8Array)) return undefined;
    const field = trust === undefined ? HTTP_FIELD : HTTPS_FIELD;
    const http = parseAddress(field.exec(bytesToString(attempt.reply))?.[1] ?? "");
    return http === undefined ? undefined : showAddress(hostname, http.port);
  } finally {
    clearTimeout(timer);
  }
}
