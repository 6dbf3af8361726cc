/** Requests that only the leader answers, at a node that does not lead: over real connections, by a clock that the test moves. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import type { MemberView } from "../../../lib/node/api.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { requestDirectly } from "../../../lib/http/direct_request.ts";
import { PROXY_BYTES_MAX, PROXY_TIMEOUT_MS } from "../../../lib/http/leader_proxy.ts";
import { startHttpListener } from "../../../lib/http/listener.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import { TlsFront } from "../../support/tls_front.ts";
import { days, newAuthority } from "../tls/support.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { DEADLINE_MS, waitFor, withDeadline } from "../../support/wait.ts";
import { type Answer, ask, type Service, serviceOf } from "./support/ask.ts";

/** A follower whose leader's HTTP is at `address`. */
class FollowerOf extends FakeNode {
  address: string;

  constructor(address: string, leaderId: NodeId = 1) {
    super();
    this.leaderId = leaderId;
    this.address = address;
  }

  override members(): readonly MemberView[] {
    return super.members().map((member) =>
      member.id === this.leaderId ? { ...member, httpAddress: this.address } : member
    );
  }
}

const TRANSFER = "POST /v1/cluster/leader";
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"leader":2,"term":4}';

/** What a leader of a test does with a request that has come. */
type Behaviour = (connection: Deno.Conn) => Promise<void> | void;

/** A port that is taken for the leader's HTTP. */
class Leader implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.Conn[] = [];
  readonly #serving: Promise<void>;
  /** What was asked, one text for each connection. */
  readonly requests: string[] = [];

  constructor(behave: Behaviour) {
    this.#serving = this.#serve(behave);
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve(behave: Behaviour): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.push(connection);
      const buffer = new Uint8Array(65_536);
      let request = "";
      while (!request.endsWith("\r\n\r\n{}")) {
        const count = await connection.read(buffer);
        assert(count !== null, "the request is complete");
        request += new TextDecoder().decode(buffer.subarray(0, count));
      }
      this.requests.push(request);
      await behave(connection);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch {
        // Closed by the leader.
      }
    }
  }
}

/** Sends that, as far as the follower takes it: who has enough closes. */
function says(text: string): (connection: Deno.Conn) => Promise<void> {
  return async (connection) => {
    try {
      for (let bytes = stringToBytes(text); bytes.length > 0;) {
        bytes = bytes.subarray(await connection.write(bytes)) as Uint8Array<ArrayBuffer>;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  };
}

async function transfer(service: Service, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return await withDeadline(ask(service, TRANSFER, { body: "{}", headers }), { what: "the follower answers" });
}

async function assertUnknown(service: Service): Promise<void> {
  const { status, code } = await transfer(service);
  assertEquals([status, code], [504, "outcome_unknown"]);
  assertEquals(service.logged.filter((line) => line.startsWith("warn The leader did not answer")).length, 1);
}

Deno.test("the leader's answer is passed back, and the leader is told who asks for what", async () => {
  await using leader = new Leader(says(OK));
  const { status, json } = await transfer(serviceOf(new FollowerOf(leader.address)));
  assertEquals([status, json], [200, { leader: 2, term: 4 }]);
  const request = leader.requests.join().toLowerCase();
  assert(request.startsWith("post /v1/cluster/leader http/1.1\r\n"), request);
  for (const line of [`host: ${leader.address}`, "x-kv-forwarded: 0", "x-request-id: r1", "content-length: 2"]) {
    assert(request.includes(`\r\n${line}\r\n`), request);
  }
});

Deno.test("over HTTPS the leader is asked if its certificate is believed, and else certainly not", async () => {
  const { authority, pair } = newAuthority(days(10, Date.now()));
  await using leader = new Leader(says(OK));
  const port = Number(leader.address.split(":")[1]);
  await using front = new TlsFront(authority.issueNode(1, ["127.0.0.1"], days(5, Date.now())), port);
  const trust = (ca: Pair) => ({ https: { caCerts: [ca.certificate], serverName: undefined } });
  const { status, json } = await transfer(serviceOf(new FollowerOf(front.address), undefined, trust(pair)));
  assertEquals([status, json], [200, { leader: 2, term: 4 }]);
  const stranger = serviceOf(new FollowerOf(front.address), undefined, trust(newAuthority().pair));
  const refused = await transfer(stranger);
  assertEquals([refused.status, refused.code, leader.requests.length], [503, "no_leader", 1]);
  assertStringIncludes(String(refused.json?.["detail"]), "cannot be asked over HTTPS");
  assertStringIncludes(stranger.logged.join(), "signed by no CA that is trusted here; --tls-ca names the CA");
});

Deno.test("what the leader refuses is refused, with its reason", async () => {
  const body = JSON.stringify({ type: "about:blank", title: "Conflict", status: 409, code: "no_other_voter" });
  const head =
    `HTTP/1.1 409 Conflict\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n\r\n`;
  await using leader = new Leader(says(head + body));
  const { status, code, headers } = await transfer(serviceOf(new FollowerOf(leader.address)));
  assertEquals([status, code, headers.get("content-type")], [409, "no_other_voter", "application/problem+json"]);
});

Deno.test("a leader that refuses the connection leaves the outcome unknown", async () => {
  let gone: string;
  {
    await using leader = new Leader(() => {});
    gone = leader.address;
  }
  await assertUnknown(serviceOf(new FollowerOf(gone)));
});

Deno.test("a leader whose address is none leaves the outcome unknown, and nothing behind", async () => {
  const service = serviceOf(new FollowerOf("127.0.0.1:70000"));
  await assertUnknown(service);
  await service.clock.advance(2 * PROXY_TIMEOUT_MS);
});

const CUTS: Readonly<Record<string, string>> = {
  "before it answers": "",
  "in the first line": "HTTP/1.1 20",
  "in the head": "HTTP/1.1 200 OK\r\nContent-Ty",
  "behind the head": OK.slice(0, OK.indexOf("{")),
  "in the body": OK.slice(0, -1),
};

for (const [place, text] of Object.entries(CUTS)) {
  Deno.test(`a leader whose connection ends ${place} leaves the outcome unknown`, async () => {
    await using leader = new Leader(async (connection) => {
      await says(text)(connection);
      connection.close();
    });
    await assertUnknown(serviceOf(new FollowerOf(leader.address)));
  });
}

const STRANGE: Readonly<Record<string, string>> = {
  "speaks something else": "SSH-2.0-OpenSSH\r\n\r\n",
  "does not say how long its answer is": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}",
  "never ends its head": `HTTP/1.1 200 OK\r\nX: ${"x".repeat(PROXY_BYTES_MAX)}`,
};

for (const [what, text] of Object.entries(STRANGE)) {
  Deno.test(`a leader that ${what} leaves the outcome unknown`, async () => {
    await using leader = new Leader(says(text));
    await assertUnknown(serviceOf(new FollowerOf(leader.address)));
  });
}

Deno.test("of a long answer as much is taken as is wanted", async () => {
  await using leader = new Leader(says(OK));
  const { body } = await requestDirectly({
    address: leader.address,
    method: "POST",
    path: "/",
    headers: {},
    body: stringToBytes("{}"),
    timeoutMs: DEADLINE_MS,
    bodyBytesMax: 9,
    clock: new SystemClock(),
  });
  assertEquals(body, '{"leader"');
});

/** Bytes in the time that a leader has. */
const STEPS = 10;

const SLOW: Readonly<Record<string, string>> = {
  "says nothing": "",
  "stops in its head": "HTTP/1.1 200 OK\r\nContent-Ty",
  "stops in its body": OK.slice(0, -1),
};

for (const [what, text] of Object.entries(SLOW)) {
  Deno.test(`a leader that ${what} is waited for as long as is said, then the outcome is unknown`, async () => {
    await using leader = new Leader(says(text));
    const service = serviceOf(new FollowerOf(leader.address));
    let isAnswered = false;
    const answered = assertUnknown(service).finally(() => isAnswered = true);
    await waitFor(() => leader.requests[0], { what: "the leader is asked", everyMs: 1 });
    await service.clock.advance(PROXY_TIMEOUT_MS - 1);
    assert(!isAnswered, "it is waited for");
    await service.clock.advance(1);
    await answered;
  });
}

Deno.test("a leader that sends a byte now and then gets no more time than others", async () => {
  const follower = new FollowerOf("");
  const service = serviceOf(follower);
  let sent = 0;
  await using leader = new Leader(async (connection) => {
    for (const byte of OK.slice(0, STEPS)) {
      await says(byte)(connection);
      sent += 1;
      await service.clock.advance(PROXY_TIMEOUT_MS / STEPS);
    }
  });
  follower.address = leader.address;
  await assertUnknown(service);
  assertEquals(sent, STEPS);
});

Deno.test("a request that was passed on once is not passed on again, and none is to the node itself", async () => {
  await using leader = new Leader(says(OK));
  const { status, code } = await transfer(serviceOf(new FollowerOf(leader.address)), { "x-kv-forwarded": "2" });
  assertEquals([status, code, leader.requests], [503, "no_leader", []]);
  const itself = await transfer(serviceOf(new FollowerOf(leader.address, 0)));
  assertEquals([itself.status, itself.code, leader.requests], [503, "no_leader", []]);
});

Deno.test("two nodes that take each other for the leader pass a request on once, and say that there is none", async () => {
  const [first, second] = [new FollowerOf(""), new FollowerOf("")];
  let asked = 0;
  const { handler } = serviceOf(second);
  const listener = startHttpListener({
    hostname: "127.0.0.1",
    port: 0,
    handler: {
      ...handler,
      judge: (head) => handler.judge(head),
      handle: (request) => {
        asked += 1;
        return handler.handle(request);
      },
    },
    clock: new SystemClock(),
    metrics: new Registry(),
    log: () => {},
    connectionsMax: 10,
  });
  first.address = `127.0.0.1:${listener.port}`;
  second.address = first.address;
  try {
    const { status, code } = await transfer(serviceOf(first));
    assertEquals([status, code, asked], [503, "no_leader", 1]);
  } finally {
    await listener.stop(100);
  }
});
