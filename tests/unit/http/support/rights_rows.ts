/** What rights each operation of HTTP needs, for the table tests of one service and of nodes that pass requests on. */

import type { Extras } from "./ask.ts";
import { PAGE_ROWS } from "./web_login_stage.ts";

const PASSWORD = "correct horse: battery";
/** Roles, and the rights of each as words. */
export const ROLE_WORDS = {
  none: [],
  reader: ["read:p:"],
  writer: ["write:p:"],
  both: ["both:p:"],
  admin: ["admin"],
} as const;

/** A request of an operation and what it needs: `r`, `w` as in the table of calls, `A` for administrators, `s` to write something. */
export type RightsRow = readonly [line: string, needs: string, extras?: Extras];

const txn = (body: unknown): Extras => ({ body: JSON.stringify(body) });

/** Every operation, by its id. */
export const RIGHTS_ROWS: Readonly<Record<string, readonly RightsRow[]>> = {
  getKey: [["GET /v1/kv/p:a", "r"], ["GET /v1/kv/p:a?level=stale", "r"], ["HEAD /v1/kv/p:a", "r"], [
    "GET /v1/kv/p:a?revision=1",
    "r",
  ], ["GET /v1/kv/p:a?history=5", "r"]],
  putKey: [
    ["PUT /v1/kv/p:a", "w", { body: "v" }],
    ["PUT /v1/kv/p:a?ttl=10s", "w", { body: "v" }],
    ["PUT /v1/kv/p:a", "rw", { body: "v", headers: { "if-match": "*" } }],
    ["PUT /v1/kv/p:new", "rw", { body: "v", headers: { "if-none-match": "*" } }],
  ],
  deleteKey: [["DELETE /v1/kv/p:gone", "w"], ["DELETE /v1/kv/p:gone", "rw", { headers: { "if-match": '"5"' } }]],
  comparePast: [["GET /v1/history?prefix=p:&since=8", "r"], ["GET /v1/history?prefix=p:a&since=8", "r"]],
  scanKeys: [["GET /v1/kv?prefix=p:", ""], ["GET /v1/kv", ""]],
  transact: [
    ["POST /v1/txn", "w", txn({ then: [{ put: { key: "p:a", value: "v" } }] })],
    ["POST /v1/txn", "r", txn({ then: [{ get: { key: "p:a" } }] })],
    ["POST /v1/txn", "r", txn({ compare: [{ key: "p:a", field: "exists", value: 1 }] })],
    ["POST /v1/txn", "rw", txn({ then: [{ delete: { key: "p:gone" } }], else: [{ get: { key: "p:a" } }] })],
    [
      "POST /v1/txn",
      "W",
      txn({ then: [{ command: ["FLUSHALL"] }], compare: [{ key: "p:a", field: "exists", value: 7 }] }),
    ],
  ],
  openSession: [["POST /v1/sessions", "s"]],
  keepSessionAlive: [["POST /v1/sessions/1/keepalive", "s"]],
  closeSession: [["DELETE /v1/sessions/1", "s"]],
  listUsers: [["GET /v1/users", "A"]],
  setUser: [["PUT /v1/users/none", "A", txn({ password: PASSWORD, rule: "create" })]],
  changeRights: [["POST /v1/users/none", "A", txn({})]],
  removeUser: [["DELETE /v1/users/nobody", "A"]],
  // One's own, of whoever asks, are another table (tokens_test.ts).
  listTokens: [["GET /v1/users/root/tokens", "A"], ["GET /v1/users/nobody/tokens", "A"]],
  addToken: [["POST /v1/users/root/tokens", "A", txn({ name: "ci" })]],
  revokeToken: [["DELETE /v1/users/root/tokens/ci", "A"]],
  watchEvents: [["GET /v1/events?prefix=p:", "r"]],
  getCluster: [["GET /v1/cluster", ""]],
  transferLeadership: [["POST /v1/cluster/leader", "A"]],
  getLogTail: [["GET /v1/cluster/log", "A"]],
  listMembers: [["GET /v1/cluster/members", ""]],
  addMember: [[
    "POST /v1/cluster/members",
    "A",
    txn({ id: 7, peer_address: "10.0.0.9:5000", client_address: "10.0.0.9:6000" }),
  ]],
  promoteMember: [["POST /v1/cluster/members/1/promote", "A"]],
  drainMember: [["POST /v1/cluster/members/1/drain", "A"]],
  undrainMember: [["POST /v1/cluster/members/1/undrain", "A"]],
  removeMember: [["DELETE /v1/cluster/members/2", "A"]],
  takeSnapshot: [["POST /v1/snapshot", "A"]],
  getBackup: [["GET /v1/backup", "A"]],
  getLauncher: [["GET /v1/launcher", "A"]],
  beginRollingRestart: [["POST /v1/launcher/rolling-restart", "A"]],
  addLaunchedNode: [["POST /v1/launcher/nodes", "A"]],
  actOnNode: [["POST /v1/launcher/nodes/1/stop", "A"]],
  getMetrics: [["GET /metrics", ""]],
  watchNode: [["GET /v1/live", "A"]],
  ...PAGE_ROWS,
};
