/** A service with users, and a browser that logs in on its page. */

import { assert, assertEquals } from "@std/assert";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import type { BodySink, BodyStream } from "../../../../lib/http/http.ts";
import { NO_RIGHTS } from "../../../../lib/kv/rights.ts";
import { gateOf } from "../../../support/gate.ts";
import { StateNode } from "../../../support/state_node.ts";
import { rightsOf, setUser } from "../../../support/users.ts";
import { type Answer, ask, type Extras, type Service, serviceOf } from "./ask.ts";

/** Of both users. */
export const PASSWORD = "correct horse: b&=%ry";
/** What is kept of it. */
export const HASH = await hashPassword(PASSWORD);
export const HOST = "127.0.0.1:8000";
/** The origin of the node's own pages. */
export const OWN = `http://${HOST}`;

export type Headers = Readonly<Record<string, string>>;

/** Operations for everybody, or for every user, and what is asked of each. */
export const PAGE_ROWS = {
  getLivez: [["GET /livez", ""]],
  getReadyz: [["GET /readyz", ""]],
  getHealth: [["GET /health", ""]],
  getDashboard: [["GET /", ""]],
  getDashboardFile: [["GET /assets/nothing.js", ""]],
  getOpenApi: [["GET /openapi.json", ""]],
  getStyle: [["GET /assets/style.css", ""]],
  getIcon: [["GET /assets/icon.svg", ""]],
  getLogin: [["GET /v1/login", ""]],
  getLoginPage: [["GET /login", ""]],
  logIn: [["POST /login", "", { body: "%", headers: { origin: OWN } }]],
  logOut: [["POST /logout", "", { headers: { origin: OWN } }]],
} as const;

/** A node with users: an administrator, and one who may read some keys. */
export class Stage {
  readonly node = new StateNode();
  readonly service: Service = serviceOf(this.node);
  readonly gate = gateOf(this.node, this.service.clock);

  static async open(): Promise<Stage> {
    const stage = new Stage();
    await stage.do(setUser("root", { hash: HASH }));
    const change = { revoked: NO_RIGHTS, granted: rightsOf("read:p:") };
    await stage.do(setUser("alice", { hash: HASH, change }));
    return stage;
  }

  async do(command: Parameters<StateNode["submit"]>[0]): Promise<void> {
    const login = this.node.users.find("root")?.login ?? 0;
    await new Promise((resolve) => this.node.submit(command, resolve, { login }));
  }

  ask(line: string, headers: Headers = {}, extras: Extras = {}): Promise<Answer> {
    return ask(this.service, line, { ...extras, headers });
  }

  post(fields: Headers, headers: Headers = { origin: OWN }, extras: Extras = {}): Promise<Answer> {
    return this.ask("POST /login", headers, { ...extras, body: new URLSearchParams(fields).toString() });
  }

  /** The cookie of a login, as a browser sends it back. */
  async logIn(user = "root", headers: Headers = { origin: OWN }, extras: Extras = {}): Promise<string> {
    const answer = await this.post({ user, password: PASSWORD }, headers, extras);
    assertEquals([answer.status, answer.headers.get("location")], [303, "/"], answer.body);
    return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  }

  /** Opens a stream; `ended` has an entry once it was cut. */
  async stream(
    path: string,
    headers: Headers,
    send: (bytes: string) => void = () => {},
  ): Promise<{ readonly body: BodyStream; readonly ended: string[] }> {
    const reply = await this.service.handler.handle({
      ...{ method: "GET", path, query: "", body: "", remote: "127.0.0.1:1", id: "r1" },
      headers: new Map(Object.entries({ host: HOST, ...headers })),
    });
    assert(typeof reply.body !== "string", `A stream was expected, not ${reply.status}`);
    const ended: string[] = [];
    const sink: BodySink = { unsentBytes: 0, send, finish: () => {}, abort: () => void ended.push("ended") };
    reply.body.opened(sink);
    return { body: reply.body, ended };
  }

  /** The token that the pages of the node carry. */
  async tokenOf(cookie: string): Promise<string> {
    let sent = "";
    const { body } = await this.stream("/v1/live", { cookie }, (bytes) => sent += bytes);
    body.closed();
    return /"token":"([0-9a-f]{32})"/.exec(sent)?.[1] ?? "";
  }
}
