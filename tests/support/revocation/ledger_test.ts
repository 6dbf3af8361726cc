import { assertEquals, assertStringIncludes } from "@std/assert";
import { brokenPromises, type Deed, type Ledger } from "./ledger.ts";
import type { Kind, Told } from "./user_clients.ts";

const DONE: Told = { type: "Done" };
const REFUSED: Told = { type: "Refused", why: "no right" };
const OPEN: Told = { type: "Open", why: "no leader" };

function deed(user: string, kind: Kind, rest: { key: string; call: number; told: Told }): Deed {
  return { user, client: "resp at node 0", kind, end: rest.call + 1, ...rest };
}

function judge({ deeds = [], seen = [], keys = [] }: { deeds?: Deed[]; seen?: Ledger["seen"]; keys?: string[] }) {
  const revocation = { user: "alice", prefix: "app:", askedAt: 50, acknowledgedAt: 100 };
  return brokenPromises({ deeds, seen, keys: new Set(keys) }, revocation);
}

Deno.test("what began before the acknowledgement may be done and shown, and what is refused or open later breaks nothing", () => {
  const shown: Told = { type: "Shown", keys: ["app:shared"] };
  assertEquals(
    judge({
      deeds: [
        deed("alice", "write", { key: "app:1", call: 99, told: DONE }),
        deed("alice", "write", { key: "app:2", call: 99, told: OPEN }),
        deed("alice", "list", { key: "app:", call: 99, told: shown }),
        deed("alice", "read", { key: "app:1", call: 60, told: REFUSED }),
        deed("alice", "write", { key: "app:3", call: 101, told: REFUSED }),
        deed("alice", "write", { key: "app:4", call: 101, told: OPEN }),
        deed("alice", "list", { key: "app:", call: 101, told: { type: "Shown", keys: [] } }),
        deed("alice", "write", { key: "own:5", call: 101, told: DONE }),
        deed("bob", "write", { key: "app:6", call: 101, told: DONE }),
        deed("bob", "read", { key: "app:shared", call: 101, told: shown }),
      ],
      seen: [{ user: "alice", key: "app:2" }, { user: "bob", key: "app:6" }],
      keys: ["app:1", "app:2", "own:5", "app:6"],
    }),
    [],
  );
});

Deno.test("each broken promise is told", () => {
  const later = (kind: Kind, told: Told, key = "app:1") => deed("alice", kind, { key, call: 101, told });
  const cases: readonly (readonly [string, Parameters<typeof judge>[0]])[] = [
    ["done after", { deeds: [later("write", DONE)], keys: ["app:1"] }],
    ["done after", { deeds: [later("guarded write", DONE)], keys: ["app:1"] }],
    ["has come to be", { deeds: [later("write", OPEN)], keys: ["app:1"] }],
    ["shown after", { deeds: [later("read", { type: "Shown", keys: ["app:1"] })] }],
    ["shown after", { deeds: [later("list", { type: "Shown", keys: ["app:9"] }, "app:")] }],
    ["a stream has shown", {
      deeds: [deed("bob", "write", { key: "app:6", call: 101, told: DONE })],
      seen: [{ user: "alice", key: "app:6" }],
      keys: ["app:6"],
    }],
    ["refused without", { deeds: [deed("bob", "read", { key: "app:1", call: 101, told: REFUSED })] }],
    ["refused without", { deeds: [later("write", REFUSED, "own:1")] }],
    ["refused without", { deeds: [deed("alice", "read", { key: "app:1", call: 40, told: REFUSED })] }],
    ["lost", { deeds: [deed("bob", "write", { key: "app:1", call: 1, told: DONE })] }],
  ];
  for (const [what, ledger] of cases) assertStringIncludes(judge(ledger)[0] ?? "nothing", what);
});
