/** A cluster on its way to TLS: nodes that take peers with TLS and without, and what those may not do. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../../support/wait.ts";
import { join, numbered, TEST_SECRET, type TestNode, withNodes } from "./support.ts";
import { type Certified, withCertificates } from "./tls_support.ts";

/** A node without TLS, one that allows both, and one that requires it. */
async function withThree(
  body: (plain: TestNode, allowing: TestNode, requiring: TestNode, certified: Certified) => Promise<void>,
  plainSecret = TEST_SECRET,
): Promise<void> {
  await withCertificates(async (certified) => {
    const { security } = certified;
    const allow = { security: security(1), secret: "", plainSecret };
    await withNodes([{}, allow, { security: security(2), secret: "" }], (plain, allowing, requiring) => {
      assert(plain !== undefined && allowing !== undefined && requiring !== undefined);
      return body(plain, allowing, requiring, certified);
    });
  });
}

Deno.test("a node that allows both speaks TLS with those who do, and none with those who do not, whoever dials", async () => {
  await withThree(async (plain, allowing, requiring) => {
    allowing.follow(plain, requiring);
    plain.follow(allowing);
    requiring.follow(allowing);
    await until(() => [0, 2].every((id) => allowing.peer(id).reachable), "both are connected");
    await until(() => plain.peer(1).reachable && requiring.peer(1).reachable, "and say so");
    plain.post(numbered(1));
    requiring.post(numbered(2, { from: 2, to: 1 }));
    await until(() => allowing.recorder.messages.length === 2, "both have sent");
    const said = allowing.log.filter((line) => line.includes("speaks no TLS yet"));
    assertEquals(said.length, 1, said.join("\n"));
    assertMatch(
      said[0] ?? "",
      /^info Node 0 at 127\.0\.0\.1:\d+ speaks no TLS yet, which --peer-tls allow puts up with$/,
    );
  });
});

Deno.test("who has neither TLS nor the secret is no peer of a node that allows both", async () => {
  await withThree(async (plain, allowing) => {
    allowing.follow(plain);
    plain.follow(allowing);
    for (const [node, other] of [[plain, 1], [allowing, 0]] as const) {
      await until(() => node.peer(other).problem !== undefined, "it is refused");
      assertEquals(node.peer(other).problem, "the cluster secrets of the two nodes differ");
    }
    assertEquals([plain.recorder.events, allowing.recorder.events], [[], []]);
  }, "a secret that node 0 has not");
});

Deno.test("who allows both goes on without TLS with nobody who speaks it and does not fit", async () => {
  await withCertificates(async ({ security, foreign }) => {
    const paths = foreign.write("foreign", foreign.issue(1));
    const both = [{ security: security(0) }, { security: security(1, { paths }) }];
    await withNodes(both.map((each) => ({ ...each, secret: "", plainSecret: TEST_SECRET })), async (zero, one) => {
      assert(zero !== undefined && one !== undefined);
      zero.follow(one);
      one.follow(zero);
      for (const [node, other] of [[zero, 1], [one, 0]] as const) {
        await until(() => node.peer(other).problem !== undefined, "it is refused");
        assertStringIncludes(node.peer(other).problem ?? "", "no CA of --peer-tls-ca has signed its certificate");
      }
      assertEquals([zero.recorder.events, one.recorder.events], [[], []]);
    });
  });
});

Deno.test("nodes that both allow both are connected by TLS", async () => {
  await withCertificates(async ({ security }) => {
    const both = [0, 1].map((id) => ({ security: security(id), secret: "", plainSecret: TEST_SECRET }));
    await withNodes(both, async (zero, one) => {
      assert(zero !== undefined && one !== undefined);
      await join(zero, one);
      assertEquals([...zero.log, ...one.log].filter((line) => line.includes("speaks no TLS")), []);
    });
  });
});
