/** Sessions of browsers: how long they last, how many there are, and what ends with them. */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { Timer } from "../../../lib/base/clock.ts";
import type { Login } from "../../../lib/access/login.ts";
import {
  WEB_SESSION_MS,
  WEB_SESSIONS_MAX,
  WEB_SESSIONS_PER_USER_MAX,
  type WebGuest,
  WebSessions,
} from "../../../lib/access/web_sessions.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

const HTTPS = { isSecure: true };

/** A gate that lets everybody in but those who are gone. */
class PaperGate {
  readonly gone = new Set<number>();
  readonly visitors = new Set<WebGuest & { readonly login: Login }>();

  admits(login: Login | undefined): boolean {
    return login !== undefined && !this.gone.has(login.id);
  }

  enter(visitor: WebGuest & { readonly login: Login }): void {
    this.visitors.add(visitor);
  }

  leave(visitor: WebGuest & { readonly login: Login }): void {
    this.visitors.delete(visitor);
  }
}

/** Knows how many timers wait. */
class CountingClock extends VirtualClock {
  waiting = 0;

  override after(delayMs: number, action: () => void): Timer {
    let waits = true;
    this.waiting += 1;
    const ended = () => {
      if (waits) this.waiting -= 1;
      waits = false;
    };
    const timer = super.after(delayMs, () => {
      ended();
      action();
    });
    return {
      cancel: () => {
        ended();
        timer.cancel();
      },
    };
  }
}

class Stage {
  readonly clock = new CountingClock();
  readonly gate = new PaperGate();
  readonly sessions = new WebSessions({ clock: this.clock, gate: this.gate });

  open(id: number, name = `u${id}`): string {
    return this.sessions.open({ name, id }, HTTPS);
  }

  has(secret: string): boolean {
    return this.sessions.find(secret) !== undefined;
  }
}

Deno.test("a session is found by its secret, which is 256 bits and another one each time, and by nothing else", () => {
  const stage = new Stage();
  const secrets = Array.from({ length: 10 }, () => stage.open(1));
  assertEquals(new Set(secrets).size, 10);
  for (const secret of secrets) {
    assertMatch(secret, /^[A-Za-z0-9_-]{43}$/);
    assertEquals(stage.sessions.find(secret)?.login, { name: "u1", id: 1 });
  }
  const [secret = ""] = secrets;
  const other = secret.startsWith("A") ? "B" : "A";
  for (const wrong of ["", secret.slice(1), `${other}${secret.slice(1)}`, `${secret} `]) {
    assert(!stage.has(wrong), wrong);
  }
});

Deno.test("a session ends after 12 hours, however much it is used, and takes its timer and its streams with it", async () => {
  const stage = new Stage();
  const secret = stage.open(1);
  const ended: string[] = [];
  stage.sessions.find(secret)?.enter({ loginEnded: () => ended.push("stream") });
  await stage.clock.advance(WEB_SESSION_MS - 1);
  assert(stage.has(secret));
  assertEquals(ended, []);
  await stage.clock.advance(1);
  assert(!stage.has(secret));
  assertEquals([ended, stage.sessions.size, stage.gate.visitors.size], [["stream"], 0, 0]);
});

Deno.test("a session that is ended is not found again, tells its streams once, and none that has left", () => {
  const stage = new Stage();
  const secret = stage.open(1);
  const session = stage.sessions.find(secret);
  const ended: string[] = [];
  const [stays, leaves] = ["stays", "leaves"].map((name) => ({ loginEnded: () => void ended.push(name) }));
  assert(session !== undefined && stays !== undefined && leaves !== undefined);
  session.enter(stays);
  session.enter(leaves);
  session.leave(leaves);
  session.loginEnded();
  session.loginEnded();
  assertEquals([ended, session.hasEnded, stage.has(secret), stage.gate.visitors.size], [["stays"], true, false, 0]);
  assertEquals(stage.clock.waiting, 0);
});

Deno.test("the sessions of a login that the gate ends are over, and one whose login is gone is not found before", () => {
  const stage = new Stage();
  const [one, other] = [stage.open(1), stage.open(2)];
  stage.gate.gone.add(1);
  assertEquals([stage.has(one), stage.has(other)], [false, true]);
  for (const visitor of [...stage.gate.visitors]) if (!stage.gate.admits(visitor.login)) visitor.loginEnded();
  assertEquals([stage.sessions.size, stage.has(other)], [1, true]);
});

Deno.test("of one session too many of a user the one that was used longest ago ends, and nobody else's", () => {
  const stage = new Stage();
  const strange = stage.open(2);
  const own = Array.from({ length: WEB_SESSIONS_PER_USER_MAX }, () => stage.open(1));
  assert(stage.has(own[0] ?? ""));
  const newest = stage.open(1);
  assertEquals(own.map((secret) => stage.has(secret)), own.map((_, at) => at !== 1));
  assertEquals([stage.has(strange), stage.has(newest), stage.sessions.size], [
    true,
    true,
    WEB_SESSIONS_PER_USER_MAX + 1,
  ]);
});

Deno.test("sessions by different tokens of a user are those of one user", () => {
  const stage = new Stage();
  const strange = stage.open(1);
  const own = Array.from({ length: WEB_SESSIONS_PER_USER_MAX + 1 }, (_, at) => stage.open(10 + at, "alice"));
  assertEquals(own.map((secret) => stage.has(secret)), own.map((_, at) => at !== 0));
  assertEquals([stage.has(strange), stage.sessions.size], [true, WEB_SESSIONS_PER_USER_MAX + 1]);
});

Deno.test("of one session too many of all users the one that was used longest ago ends", () => {
  const stage = new Stage();
  const secrets = Array.from({ length: WEB_SESSIONS_MAX }, (_, at) => stage.open(Math.floor(at / 8)));
  assert(stage.has(secrets[0] ?? ""));
  const newest = stage.open(-1);
  assertEquals([stage.has(newest), stage.has(secrets[0] ?? ""), stage.has(secrets[1] ?? "")], [true, true, false]);
  assertEquals([stage.sessions.size, stage.gate.visitors.size], [WEB_SESSIONS_MAX, WEB_SESSIONS_MAX]);
});

Deno.test("a node that stops ends all sessions and leaves no timer", () => {
  const stage = new Stage();
  const [one, other] = [stage.open(1), stage.open(2)];
  assertNotEquals(one, other);
  stage.sessions.stop();
  assertEquals([stage.has(one), stage.has(other), stage.sessions.size, stage.gate.visitors.size], [false, false, 0, 0]);
  assertEquals(stage.clock.waiting, 0);
});
