/** The cookie header against generated and mutated bytes: only the secret of a session comes in, by the first cookie of its own name. */

import { webSessionOf } from "../../lib/http/web_login.ts";
import { VirtualClock } from "../support/memory/virtual_clock.ts";
import { QuickGate } from "../support/quick_gate.ts";
import { StateNode } from "../support/state_node.ts";
import { setUser } from "../support/users.ts";
import { fuzz, requireSame } from "./harness.ts";
import { mutate } from "./mutators.ts";

const NAME = "root";

/** What the first cookie with that name says, read from behind. */
function firstCookie(header: string, name: string): string | undefined {
  let value: string | undefined;
  for (const pair of header.split(";").reverse()) {
    const [left = "", ...right] = pair.split("=");
    if (right.length > 0 && left.trim() === name) value = right.join("=").trim();
  }
  return value;
}

fuzz("cookies of the login page", {
  make: (random) => {
    const parts = Array.from({ length: random.between(1, 4) }, () => {
      const name = random.pick(["kvstore-8000", "__Host-kvstore-8000", "kvstore-8000", "kvstore-80", "other", ""]);
      const value = random.pick(["PLAIN", "SECURE", "PLAIN", "", "x".repeat(43)]);
      const pair = `${name}${random.pick(["=", "=", "=", "==", " = ", ""])}${value}`;
      return random.chance(0.8) ? pair : mutate(pair, random);
    });
    const header = parts.join(random.pick(["; ", "; ", ";", ", ", " "]));
    return [header, random.chance(0.3) ? "https" : "http", random.pick(["", "", "http", "https", "evil"])] as const;
  },
  check: async ([made, scheme, from]) => {
    const node = new StateNode();
    const gate = new QuickGate(node, { clock: new VirtualClock(), password: "unused" });
    await new Promise((resolve) => node.submit(setUser(NAME), resolve));
    const login = { name: NAME, id: node.users.find(NAME)?.login ?? 0 };
    const secrets = [false, true].map((isSecure) => gate.webSessions.open(login, { isSecure }));
    const header = made.replaceAll("PLAIN", secrets[0] ?? "").replaceAll("SECURE", secrets[1] ?? "");
    const origin = from === "evil" ? "http://evil.test" : `${from}://127.0.0.1:8000`;
    const headers = new Map([["host", "127.0.0.1:8000"], ["cookie", header]]);
    if (from !== "") headers.set("origin", origin);
    const isTls = scheme === "https";
    const session = webSessionOf({ method: "GET", headers, isTls }, gate.webSessions);
    const mayAsk = from !== "evil" && !(from === "http" && isTls);
    const isSecure = firstCookie(header, "__Host-kvstore-8000") === secrets[1];
    const isPlain = firstCookie(header, "kvstore-8000") === secrets[0] && !isTls;
    const wanted = !mayAsk ? "nobody" : isSecure ? "secure" : isPlain ? "plain" : "nobody";
    const got = session === undefined ? "nobody" : session.isSecure ? "secure" : "plain";
    requireSame(got, wanted, "Who comes in");
    requireSame(gate.webSessions.size, 2, "Sessions");
    gate.webSessions.stop();
    return got;
  },
  outcomes: ["nobody", "secure", "plain"],
});
