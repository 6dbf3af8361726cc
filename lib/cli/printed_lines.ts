/**
 * What the commands that administer a cluster print in the end, for docs/command-line.md: each line with numbers, addresses and paths as
 * they may be, and the exit code. A test compares them with the texts of the sources.
 */

import { UsersRequiredError } from "../base/errors.ts";
import { ADDRESS_FORM } from "../node/membership/member_addresses.ts";
import { MEMBER_LINES } from "./member_texts.ts";

/** A line as it is printed, but for `kvstore: ` before what goes to standard error. */
type Line = readonly [line: string, exitCode: number];

const NO_ID = `A node's id is a whole number up to 2147483647, not "x"; kvstore member list shows the ids`;
const NO_PLACE = "write a port (5001), host:port (10.0.0.2:5000) or id=host:port[@peerport] (1=10.0.0.2:5000@15000)";
const NOBODY_ASKED = "This changes the cluster: give --yes where nobody can be asked";

/** What every command can end with that asks a cluster. */
const ASKING_LINES: readonly Line[] = [
  ["Cannot reach any node of 127.0.0.1:5000; is the cluster running? --connect names other addresses", 1],
  ["What answered over HTTP is no KVStore node; --connect names others", 1],
  ["The node refused with HTTP status 500", 1],
  ["The cluster has users, and no user and password that are right were given; give --user NAME", 1],
  ["127.0.0.1:8000 runs an older program, which cannot do this; --connect names other nodes", 1],
  ["No leader; node 0 reaches 1 of 3 nodes, needs 2", 5],
  [
    "No leader is known here; nothing was done; reachable 1 of 2 nodes, need 2; no other node answers; " +
    "start node 1 (10.0.0.2:5000), or mend the network; ?level=stale shows what this node has",
    5,
  ],
  ["The leader cannot be asked over HTTPS, and the log of this node says why; nothing was done", 5],
  ["The leader did not answer in time", 6],
  ["Outcome unknown: 127.0.0.1:8000 was asked and did not answer; the command can be repeated", 6],
  ['--connect has the entry "x"; write host:port, for example 127.0.0.1:5000', 2],
  ["--connect names no node; write host:port, for example 127.0.0.1:5000", 2],
];

/** By command. */
export const PRINTED_LINES = {
  leader: [
    ["Node 1 (10.0.0.2:5000) leads, in term 4.", 0],
    ["Node 1 (10.0.0.2:5000) leads now, in term 5.", 0],
    ["Node 1 (10.0.0.2:5000) leads already, so nothing was done, in term 4.", 0],
    ["There is no node 7; the members are 0, 1, 2", 1],
    ["Node 3 is a learner, which cannot lead; kvstore member promote 3", 1],
    ["Node 1 is drained, so it is not to lead; kvstore member undrain 1", 1],
    ["The leader cannot reach node 1; start it or mend its connections first", 1],
    ["Node 1 is 12000 entries behind; wait until it has caught up, CLUSTER shows its lag", 1],
    ["Node 1 is an unknown number of entries behind; wait until it has caught up, CLUSTER shows its lag", 1],
    ["There is no other voter; add a node to the cluster first", 1],
    ["The node did not take the leadership in time; nothing is lost, and the transfer is given up: try again", 1],
    ['leader takes nothing, or transfer [ID], not "x"', 2],
    [NO_ID, 2],
    ...ASKING_LINES,
  ],
  "rolling-restart": [
    ["Node 1 starts", 0],
    ["Node 1 restarts (process 4711)", 0],
    ["Node 1 serves and has caught up (process 4712, after 2.5 s)", 0],
    ["Node 0 leads and hands over", 0],
    ["Done: every node has a new process. Node 1 leads, in term 5.", 0],
    ...[
      "no node answers",
      "no node leads",
      "node 1 has not stopped",
      "node 1 does not run again",
      "node 1 does not serve",
      "the leader does not reach node 1",
      "node 1 has 7 of 9 entries",
      "the leader reaches 2 of 3 nodes and needs 2, so none can be spared",
      "node 0 hands over",
    ].map((why): Line => [
      `Stopped after 60 s: ${why}. Mend that and run kvstore rolling-restart again: it continues with the nodes that are left`,
      1,
    ]),
    [
      "Node 1 ended and is not started again; the launcher's lines say why. " +
      "Mend that and run kvstore rolling-restart again: it continues with the nodes that are left",
      1,
    ],
    ["127.0.0.1:8000 did not answer; the command can be repeated", 1],
    [
      "These nodes were not started by kvstore cluster, so nothing here can restart them: stop and start them one by one, " +
      "the leader last, see docs/operations.md",
      1,
    ],
    ["Nothing was done", 1],
    [NOBODY_ASKED, 2],
    ...ASKING_LINES,
  ],
  member: [
    ...MEMBER_LINES,
    ['member takes one of list, add, promote, remove, replace, move, drain, undrain, not "x"', 2],
    ['"remove" does not fit; use kvstore member remove ID', 2],
    ["A member cannot replace itself, and 1 is named twice", 2],
    [NO_ID, 2],
    [`The command has the entry "x"; ${NO_PLACE}`, 2],
    [`"a;b:5000" does not fit: ${ADDRESS_FORM}`, 2],
    ...ASKING_LINES,
  ],
  recover: [
    ['./node-0: node 0 of cluster 4f02 named "shop"', 0],
    ["./node-0: node unknown of cluster unknown", 0],
    ["damaged: ./node-0/wal/1.wal, offset 64: bad checksum", 74],
    ["term 3, last entry 90 of term 3, snapshot at 40 of term 2, log 41 to 90, digest 476f81d7", 0],
    ["term 3, last entry 40 of term 2, no snapshot, no log", 0],
    ["voters 0 1 2, while voters 0 1 have not left yet, learners 3", 0],
    ["Newest: ./node-0, with entry 90 of term 3.", 0],
    ["./node-1 holds the same entries 41 to 90 as the newest.", 0],
    ["./node-1 differs from the newest in the entries 41 to 90: the end of one of them was never acknowledged.", 0],
    ["./node-1 cannot be compared with the newest: their logs have no entry in common.", 0],
    ["./node-1 is of another cluster than the newest.", 0],
    ["./node-1 cannot be read.", 74],
    [
      "Of the voters 0 1 2 there are 0 1, a majority: no acknowledged write is lost. Start these nodes; there is nothing to force.",
      0,
    ],
    [
      "Of the voters 0 1 2 there is 0, no majority: acknowledged writes that are in none of these logs are lost: all behind entry 90, " +
      "and some before it where the others began a term after 3.",
      0,
    ],
    ["Entries behind 40 may also hold writes that were never acknowledged.", 0],
    ["None of these directories can be read: there is nothing to go on from.", 74],
    ["Nothing to do: the node of ./node-0 is the only voter of its cluster. Start it.", 0],
    ["Recovered: node 0 with 1 key is the cluster 9a41.", 0],
    ["Recovered: node 0 with 3 keys is the cluster 9a41.", 0],
    ["The old data is in ./node-0/before-recovery; delete it when all is well.", 0],
    ["Start node 0 as before. Other nodes join it with empty directories and --join.", 0],
    [
      "Start node 0 as before. Then start nodes 1, 2 with empty directories and --new-identity: they get the data and a vote.",
      0,
    ],
    ["Type the cluster's name, shop, to go on:", 0],
    ["Not recovered: that is not its name, and nothing was changed; --yes does not ask", 1],
    ["Cannot inspect ./node-0: a node is running on it; stop the node first", 1],
    ["Cannot read ./node-0: No such file or directory", 1],
    ["./node-0 is not a data directory: it holds no RaftNode<id>.json", 1],
    ["Cannot recover ./node-0: it cannot be read", 1],
    ["Cannot recover ./node-0: it knows of no cluster, so it holds no write that was ever acknowledged", 1],
    [
      "Cannot recover ./node-0: revision 4503599627370497 would be above 4503599627370496; give a smaller --revision-step",
      1,
    ],
    ["Cannot recover ./node-0: node 3 was removed from the cluster, and its id is used no more", 1],
    ["Cannot recover ./node-0: too many ids were removed from the cluster", 1],
    ["Cannot recover ./node-0: it has changed meanwhile; repeat the command", 1],
    ["Cannot keep a copy in ./node-0/before-recovery: it holds that of an earlier recovery; move it away first", 1],
    [
      "recover takes inspect and 1 to 32 directories, or force and one directory, for example " +
      "kvstore recover inspect ./node-0 ./node-1",
      2,
    ],
    ["--members names 33 nodes; 32 are the most", 2],
    ["--members names the id 1 twice", 2],
    ['--members has the entry "x"; write id=host:port[@peerport], for example 0=10.0.0.1:5000', 2],
  ],
  backup: [
    [
      "Backed up to backup.snap: cluster 9a41 at revision 90 (term 3), 20 keys of 210 bytes, from 127.0.0.1:8000; 1708 bytes in all",
      0,
    ],
    [
      "Backed up: cluster without an id at revision 90 (term 3), 1 key of 10 bytes, from 127.0.0.1:8000; 755 bytes in all",
      0,
    ],
    ["The connection to 127.0.0.1:8000 broke after 100 of 1708 bytes; attempt 2 of 5", 0],
    ["127.0.0.1:8000 has a newer snapshot: beginning anew", 0],
    ["There is nothing to back up yet", 1],
    ["No backup after 5 attempts: Other backups are under way", 1],
    ["backup.snap is there already, and stays as it is; --force replaces it", 1],
    ["/dev/null is no file, and stays as it is; name another, or - for standard output", 1],
    ["Cannot write to standard output: Broken pipe", 1],
    ["backup takes one file, or - for standard output, for example kvstore backup backup.snap", 2],
    ...ASKING_LINES,
  ],
  restore: [
    ["backup.snap: a backup of cluster 9a41 at revision 90 (term 3, 2026-11-29T19:41:30.948Z)", 0],
    ["backup.snap: a backup of cluster without an id at revision 3 (term 1, no time yet)", 0],
    ["20 keys of 210 bytes with their values, 1 with a deadline", 0],
    ["1 session, 0 users, digest of the state 1:1dadbd9f7a81a085", 0],
    ["Restored into ./node-0: node 0 with 20 keys of the new cluster 5f02.", 0],
    ["Every revision has risen by 1000000000090; new ones are above 1000000000180.", 0],
    ["Start node 0; other nodes join it with empty directories and --join.", 0],
    [
      "Restore nodes 1, 2 from the same file in the same way, with --restored-cluster 5f02; then start all.",
      0,
    ],
    ["Cannot restore into ./node-0: it is not empty, it holds LOCK", 1],
    ["Cannot restore into ./node-0: --members does not name node 0", 1],
    [
      "Cannot restore into ./node-0: 5f02 is the id of a restore of another file, or with other members, names or flags: " +
      "all nodes of a cluster are restored from one file in one way",
      1,
    ],
    [
      "Cannot restore into ./node-0: revision 4503599627370497 would be above 4503599627370496; give a smaller --revision-step",
      1,
    ],
    ["restore takes one file, for example kvstore restore backup.snap --data-dir ./node-0", 2],
    ["restore needs --data-dir DIR, a directory that is empty or new", 2],
    ["--restored-cluster is the id of 32 digits that the restore of the first node printed", 2],
    ["--restored-cluster goes with --members, which names all nodes of the new cluster", 2],
    ["--members names the id 1 twice", 2],
  ],
  node: [
    ["Stopped before the node had joined", 5],
    ["Cannot join: no leader of the cluster answers; is the cluster running, and is --join the address of a node?", 5],
    [
      "Cannot join: cannot connect to 10.0.0.2:15000: Connection refused; is the cluster running, and is --join the address of a node?",
      5,
    ],
    [
      "Cannot join: 10.0.0.2:15000: the handshake took too long; is the cluster running, and is --join the address of a node?",
      5,
    ],
    ['Cannot join: "x" is not of the form host:port', 1],
    ["Cannot join: 10.0.0.2:15000: the cluster secrets of the two nodes differ", 1],
    ['Cannot join: 10.0.0.2:15000: node 1 belongs to cluster "shop", node 0 to cluster "test"', 1],
    ["Cannot join: Node 3 was removed from this cluster", 1],
    [
      "Cannot join: Node 3 is a member already, with another data directory: join under an id that was never used, or without --node-id",
      1,
    ],
    ["Cannot join: Node 3 speaks protocol version 6, and version 7 is on in this cluster: upgrade node 3", 1],
    ["Cannot use ./node-0 for node 7: it holds RaftNode0.json of another node", 1],
    ["--learner goes with --join", 2],
    ["--join and --peers exclude each other", 2],
    [new UsersRequiredError("10.0.0.1").message, 2],
    ["Other nodes cannot reach this one at 0.0.0.0; give --advertise-client and --advertise-peer as well", 2],
    ["--join names no node; write host:port of one or more", 2],
    [`--join has the entry "a;b:5000"; ${ADDRESS_FORM}`, 2],
    [`--advertise-client is "a;b:5000"; ${ADDRESS_FORM}`, 2],
    [`--join has the entry "x"; ${NO_PLACE}`, 2],
    [
      "Node 3 was removed from the cluster; to let this machine join again, start it with --join, another id and an empty " +
      "directory (./node-3 may be deleted)",
      76,
    ],
    [
      "Node 3 was removed from the cluster that it asked, and ./node-3 holds nothing of it: see whether the right cluster answers at " +
      "its addresses; to join this one, start it with --join, another id and an empty directory",
      76,
    ],
  ],
  cluster: [
    ["./kvstore-data holds a cluster of 3 nodes: nodes 3 and 4 join it, 5 nodes in all", 0],
    ["./kvstore-data holds a cluster of 4 nodes: node 4 joins it, 5 nodes in all", 0],
    ["Nothing was done", 1],
    ["A node is running on ./kvstore-data/node-0: stop its cluster first, or give --data-dir", 1],
    [
      "./kvstore-data holds a cluster of 5 nodes, and --nodes is 3: leave --nodes out, or give --data-dir for another directory",
      2,
    ],
    [
      "./kvstore-data holds only nodes that were removed from their cluster: give --data-dir for another directory",
      2,
    ],
    [new UsersRequiredError("10.0.0.1", { isLocalCluster: true }).message, 2],
    [NOBODY_ASKED, 2],
  ],
} as const satisfies Readonly<Record<string, readonly Line[]>>;
