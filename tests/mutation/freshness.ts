/** Planted bugs of what a stale read says of its age. */

import { type Mutation, slip } from "./mutation.ts";

const FRESHNESS = "lib/node/reads/freshness.ts";
const TESTS = ["tests/unit/node/freshness_test.ts", "tests/unit/transport/tcp_transport_test.ts"];

/** In the order of their numbers. */
export const FRESHNESS_SLIPS: readonly Mutation[] = [
  slip("M475", "A state is as fresh as its leader was seen, whether or not that one still had a majority", {
    file: FRESHNESS,
    find: "at: Math.min(majorityAt, leader.at)",
    replace: "at: leader.at",
  }),
  slip("M476", "A state is fresh before it has applied what the leader had committed", {
    file: FRESHNESS,
    find: "id.index >= index && id.term >= term",
    replace: "id.index >= Math.min(index, 0) && id.term >= term",
  }),
  slip("M477", "A new leader that has committed nothing vouches for what earlier leaders acknowledged", {
    file: FRESHNESS,
    find: "id.index >= index && id.term >= term",
    replace: "id.index >= index && id.term >= Math.min(term, 0)",
  }),
  slip("M478", "A server that is in a later term counts for the majority of an earlier one", {
    file: FRESHNESS,
    find: "seen === undefined || seen.term > leader.term",
    replace: "seen === undefined",
  }),
  slip("M479", "An answer to a ping counts from when it came, so that one that lay in a socket looks new", {
    file: "lib/transport/peer.ts",
    find: "askedAt: now - roundTrip",
    replace: "askedAt: now",
  }),
].map((mutation) => ({ ...mutation, tests: TESTS }));
