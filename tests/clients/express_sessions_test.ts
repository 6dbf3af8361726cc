/** Sessions of Express that connect-redis keeps. */

import type { Step } from "./support/steps.ts";
import { nodeDriver, testClient } from "./support/matrix.ts";

const STEPS: readonly Step[] = [
  { what: "a first visit", op: "visitAs", args: ["anna", "h\u00e9llo"], want: { equals: [1, "h\u00e9llo"] } },
  { what: "a second visit", op: "visitAs", args: ["anna", null], want: { equals: [2, "h\u00e9llo"] } },
  { what: "a visit of another browser", op: "visitAs", args: ["ben", null], want: { equals: [1, null] } },
  { what: "a look without a change", op: "lookAs", args: ["anna"], want: { equals: [2, "h\u00e9llo"] } },
  { what: "the number of sessions", op: "length", args: [], want: { equals: 2 } },
  { what: "all sessions", op: "all", args: [], want: { equals: 2 } },
  { what: "leaving", op: "leaveAs", args: ["anna"], want: { equals: [0, null] } },
  { what: "a look after leaving", op: "lookAs", args: ["anna"], want: { equals: [0, null] } },
  { what: "the other session", op: "lookAs", args: ["ben"], want: { equals: [1, null] } },
  { what: "the time a session has left", op: "ttlAs", args: ["ben"], want: { between: [590, 600] } },
  { what: "the number of sessions left", op: "length", args: [], want: { equals: 1 } },
  { what: "removing all", op: "clear", args: [], want: { equals: null } },
  { what: "no session after that", op: "lookAs", args: ["ben"], want: { equals: [0, null] } },
];

testClient({
  title: "connect-redis with express-session",
  driver: nodeDriver("expressSessions"),
  steps: STEPS,
});
