/** What the help and docs/command-line.md say about each command. */

import type { CommandName } from "./flags.ts";
import { PRINTED_LINES } from "./printed_lines.ts";

/** One command for people. */
export interface CommandText {
  readonly usage: string;
  readonly summary: string;
  readonly details: readonly string[];
  /** What it prints in the end, for docs/command-line.md, with the exit code. */
  readonly lines?: readonly (readonly [line: string, exitCode: number])[];
}

/** The texts of all commands, in the order of the help. */
export const COMMAND_TEXTS: Readonly<Record<CommandName, CommandText>> = {
  cluster: {
    usage: "kvstore [cluster] [--nodes 3] [--port 5000] [--data-dir DIR] [--tls]",
    summary: "Run a local cluster; what kvstore does without a command.",
    details: [
      "Starts each node as a process of its own, on ports that follow each other, and starts a node that crashed again.",
      "Prints a table and three lines to try when the cluster is ready. Ctrl-C stops all nodes; a second one kills them.",
      "With more --nodes than the directory has it asks, or wants --yes, and the others join.",
      "With --tls it makes certificates in DIR/tls, and nodes speak nothing but TLS with clients and over HTTP.",
    ],
    lines: PRINTED_LINES.cluster,
  },
  node: {
    usage: "kvstore [node] --node-id 0 --port 5000 --peers 5001,5002",
    summary: "Run one node; also meant when --node-id, --peers or --join is given without a command.",
    details: [
      "--peers names the other nodes: by port (same host), by host:port, or by id=host:port[@peerport], where the node itself",
      "may be in the list. Without ids in the list, a node's id is the rank of its address among all addresses.",
      "--join names nodes of a cluster that runs, which this one joins with an empty directory; later starts may have it as well.",
      "SIGINT or SIGTERM: a leader hands over, open requests finish, and the node exits with 0 within 5 s.",
    ],
    lines: PRINTED_LINES.node,
  },
  cli: {
    usage: "kvstore cli [--connect HOST:PORT,...] [COMMAND ARGS...]",
    summary: "Interactive shell, or one command and its exit code.",
    details: [
      "Arguments are sent as they are, whatever blanks, quotes or line ends they hold: kvstore cli PUT key 'two words'.",
      "Writes follow the notice of who leads. Without a command the shell starts; from a pipe, every line is a command",
      "and the exit code is that of the first one that failed. The shell keeps its history in ~/.kvstore_history",
      "($KVSTORE_HISTORY names another file, or none when it is empty).",
    ],
  },
  bench: {
    usage: "kvstore bench [--connect HOST:PORT,...] [--connections 50] [--pipeline 1] [--rate R]",
    summary: "Load servers that speak the Redis protocol, and measure throughput and latency.",
    details: [
      "Each connection sends --pipeline requests together and the next ones when all replies have come. With --rate requests",
      "are due at fixed times instead: each is sent when it is due, whatever the server does, and its latency counts from",
      "then, so that a server that stands still shows in every request it kept waiting.",
      "Keys are key:000000012345 (counter:... for incr), below --keys, with equal chances; values are random printable bytes.",
      "mset sets 10 keys with one request. A connection that is lost goes on with the next node. A connection whose request",
      "was refused pauses for 10 ms. Errors are counted by their first word and have no part in the latencies.",
      "The first Ctrl-C ends the run and shows what was measured. Exit code 1 when no request succeeded.",
    ],
  },
  leader: {
    usage: "kvstore leader [transfer [ID]] [--connect HOST:PORT,...] [--json]",
    summary: "Show who leads, or let another node lead.",
    details: [
      "Any node can be asked. transfer lets node ID lead, without one the node that is best prepared; it can be repeated, and",
      "where ID leads already nothing is done. Refused, with what to do: an ID that is not a member, a learner, a node that is",
      "drained, cannot be reached or has not caught up, a cluster of one voter. Writes wait for a moment; none is lost.",
    ],
    lines: PRINTED_LINES.leader,
  },
  "rolling-restart": {
    usage: "kvstore rolling-restart [--connect HOST:PORT,...] [--node-timeout-ms 60000] [--json] [--yes]",
    summary: "Restart the nodes of a local cluster one after the other, while it goes on serving.",
    details: [
      "For the nodes of a kvstore cluster that runs, from another terminal. First nodes that do not run are started, then the",
      "followers are restarted, the leader last, when it has handed over. Each must serve again and have caught up, by what it",
      "and the leader say, before the next; when one has not after --node-timeout-ms, nothing more is done, and it ends with 1.",
      "Run again, it continues with the nodes that still have their old process; an hour later it begins anew. Shows what",
      "it will do and asks on a terminal; elsewhere it wants --yes.",
    ],
    lines: PRINTED_LINES["rolling-restart"],
  },
  member: {
    usage:
      "kvstore member [list|add|promote|remove|replace|move|drain|undrain] [...] [--connect HOST:PORT,...] [--json] [--yes]",
    summary: "Show who belongs to the cluster, or change it.",
    details: [
      "Any node can be asked. Every change can be repeated after any failure and goes on from where it was; what holds already",
      "is done. It shows what it will do and asks, or wants --yes where nobody can be asked. What is refused is not begun.",
      "add [ID=]HOST:PORT[@PEERPORT] makes a learner of a server that is started there later; promote ID gives it a vote once",
      "it has kept within a second of the leader for a second; remove ID removes a member for good, also the leader. replace",
      "OLD NEW waits until NEW (an id, or an address as for add) has joined and caught up, gives it a vote and removes OLD.",
      "move ID HOST:PORT waits until the node has been started there with the directory that it has; refused where too few of",
      "the others answer. With one or two voters every one is needed: it says that reads and writes wait while the node is stopped.",
      "drain ID: it hands over, is not to lead and not ready for clients until undrain ID.",
    ],
    lines: PRINTED_LINES.member,
  },
  user: {
    usage:
      "kvstore user [list|add NAME [RIGHT ...]|passwd NAME|grant NAME RIGHT ...|revoke NAME RIGHT ...|remove NAME|token add USER NAME|token list USER|token revoke USER NAME] [--user NAME] [--connect HOST:PORT,...] [--json]",
    summary: "Show who may come in, or change it.",
    details: [
      "Any node of a running cluster can be asked. With the first user that is added everybody has to log in, and connections that have",
      "not are refused from then on. add makes a user, passwd gives one another password, remove removes one: logins with what held",
      "before end on every node. RIGHT is read:PREFIX, write:PREFIX or read,write:PREFIX, for keys that begin so (read: for every key), or",
      "admin for every key, the cluster, its nodes and the users. The first user is an administrator; others have no rights but those that",
      "add names, and what grant adds. What revoke names goes, with every longer prefix, at once and on every node; it is refused where it",
      "would change nothing. The last user and the last administrator stay, since nobody could look after the cluster.",
      "Passwords have 8 to 256 bytes; they are asked for on a terminal, or come from a file or the environment:",
      "the user's own to log in with (--user, --password-file, KVSTORE_PASSWORD), and the one that is given (--new-password-file,",
      "KVSTORE_NEW_PASSWORD). Nothing of them can be told on the command line, which every user of the machine can read.",
      "token add makes a token with which programs come in as that user (--token-file, KVSTORE_TOKEN): 16 at most, each with a name. It is",
      "printed once, alone on standard output, and lives for --expires, 90d unless it is given. token revoke ends one at once, on every node;",
      "so does another password of the user. Users look after their own, administrators after everybody's. A token makes no tokens.",
    ],
  },
  inspect: {
    usage: "kvstore inspect DIR [--entries N] [--from INDEX] [--to INDEX]",
    summary: "Show what a stopped node's directory holds, as JSON; verifies every checksum.",
    details: [
      "Changes nothing. Exit code 77 when a file is of another format version, with a line for each; else 74 when something",
      "is damaged; 1 when DIR is not a data directory.",
    ],
  },
  disk: {
    usage: "kvstore disk DIR [--json]",
    summary: "Show what takes the space in a node's directory.",
    details: [
      "One line for the log, room that is prepared for it, snapshots, snapshots in the making, the files of the node, what kvstore recover",
      "force has kept, and files that KVStore does not know: what they take of the disk, and what bounds them or when they may go. It changes",
      "nothing, and a node may run on DIR. Exit code 1 when DIR is not a data directory.",
    ],
  },
  recover: {
    usage:
      "kvstore recover inspect DIR... [--json] | kvstore recover force DIR [--members ID=HOST:PORT,...] [--revision-step N] [--yes]",
    summary: "After a majority of the nodes is lost for ever: see what is left, and make a new cluster of it.",
    details: [
      "inspect compares the directories of stopped nodes and changes nothing: term, last entry, snapshot, membership and digest of",
      "each, which is the newest, and whether an acknowledged write can be on none of them. The digest is over the entries that",
      "the newest has as well. Exit code 77 when a file is of another format version; else 74 when something is damaged.",
      "force makes a new cluster of one directory, with all that it holds, and its node as the only voter; others begin as learners",
      "with empty directories and --new-identity. The new cluster has another id, so that no lost node can join by mistake, and all",
      "its revisions are above those of before. It says what it will do and asks for the cluster's name or id, unless --yes is",
      "given. The old data is kept in DIR/before-recovery. It may be interrupted at any point and given again: where the node is",
      "the only voter already, there is nothing to do, and the exit code is 0. It is 1, and nothing is changed, when a node runs on",
      "DIR, the answer is another, DIR knows of no cluster, or the copy of an earlier recovery is in the way; 74 and 77 as above.",
    ],
    lines: PRINTED_LINES.recover,
  },
  rekey: {
    usage: "kvstore rekey DIR... --master-key-file FILE",
    summary: "Put encrypted data directories under another master key, while their nodes run.",
    details: [
      "The file has the new key, and behind it, in a line of its own, the one before. Nodes that are started with this file take both, so",
      "restart them whenever it suits; once every directory is done, take the old key out of the file. It may be interrupted and repeated.",
      "Backups keep the master key that they were made with.",
    ],
  },
  backup: {
    usage:
      "kvstore backup FILE|- [--force] [--stale] | kvstore backup DIR --every 1h [--keep 24] [--metrics-file FILE] [--connect HOST:PORT,...] [--json]",
    summary: "Back a running cluster up into a file, through any of its nodes.",
    details: [
      "The file holds every key as of one revision, which includes every write that was acknowledged before the command began. It is written under",
      "a temporary name beside FILE, verified, made durable, and only then gets its name; interrupted, it leaves nothing under it. With - it is",
      "collected in the directory of temporary files, and goes to standard output once it is whole. A file that is there stays, unless",
      "--force is given. A connection that breaks is made again, up to 5 attempts: the download goes on where the node still has the same",
      "snapshot, and begins anew where it has another. A majority is asked first; --stale leaves that out. The file is as secret as the data;",
      "with a master key it is encrypted, and verify and restore need that key.",
      "--every takes one by time into DIR, in the foreground, until SIGINT or SIGTERM: kvstore-20261129T190000Z.snap. One that fails is tried again",
      "after a minute, or when the next is due, and the reason is a line. A start waits until the newest one is so old. Then those are removed",
      "of which --keep newer ones of the same cluster are whole: each file is verified once in a run, what is damaged is told and never removed,",
      "and other files are left alone. --metrics-file tells Prometheus when the newest whole one was begun.",
      "Exit code 0 when it is done, or --every was stopped; 1 when FILE is there, no node is reached or the attempts are used up; 5 without a leader; 130 at a signal.",
    ],
    lines: PRINTED_LINES.backup,
  },
  verify: {
    usage: "kvstore verify FILE|- [--json]",
    summary: "Check the file of a backup, and show what is in it.",
    details: [
      "Reads all of it, from standard input with -, verifies every checksum, and loads every record as a node that starts does, which",
      "takes as much memory as a node. It changes nothing. Exit code 0 when it is whole; 74 when it is damaged, with the offset of the",
      "damage; 77 when the file, the state in it or the level of the cluster is of a version that this program does not read.",
    ],
  },
  restore: {
    usage:
      "kvstore restore FILE --data-dir DIR [--node-id N] [--members ID=HOST:PORT,... [--restored-cluster ID]] [--revision-step N] [--json] | kvstore restore FILE --prefix PREFIX [--dry-run] [--yes] [--connect HOST:PORT,...] [--json]",
    summary: "Make a new cluster from a backup, or bring keys of it back into a running one.",
    details: [
      "DIR, which is empty or new, becomes the directory of a node with all that the backup holds. Without --members it is the only node",
      "of the new cluster, and others join it. With --members all are voters: restore each from the same file with the same flags but",
      "--node-id and --data-dir, and with --restored-cluster ID, which the first restore prints; an id of another file or of other flags",
      "is refused. The new cluster has another id, so that no node of the old one can join by mistake, and all its revisions",
      "are above those of before. Users stay. Deadlines are moments: keys are gone whose deadline has passed since the backup, unless",
      "--drop-deadlines keeps all keys for good. Sessions go on likewise, unless --drop-sessions ends them. --cluster-id names the cluster.",
      "Exit code 0 when it is done; 1, and nothing is changed, when DIR is not empty; 74 and 77 as kvstore verify, and nothing is changed.",
      "Interrupted, it can be given again; no node starts on a directory that is half restored.",
      "--prefix brings the keys of a running cluster that begin so back to what the backup holds: it shows how many would be added, changed and removed",
      "and the first of each, asks, or wants --yes where nobody can be asked, and writes in transactions that change nothing where a key was",
      "written since it was shown; then the exit code is 1, and the command can be given again. Deadlines are moments, as above.",
    ],
    lines: PRINTED_LINES.restore,
  },
  export: {
    usage: "kvstore export [FILE|-] [--prefix PREFIX] [--force] [--stale] [--connect HOST:PORT,...] [--json]",
    summary: "Write the keys of a running cluster as lines of JSON, through any of its nodes.",
    details: [
      "Every key as of one revision, which includes every write that was acknowledged before the command began: it takes what kvstore backup takes,",
      "and so wants an administrator where there are users. A first line names the cluster and the revision, each further one is a key with its value",
      "and its deadline, in no order, and the last line tells their number. What is not UTF-8 is in key_base64 and value_base64. It is written",
      "under a temporary name beside FILE, made durable, and only then gets its name; interrupted, it leaves nothing. A file that is there stays,",
      "unless --force is given. Without FILE, or with -, lines go to standard output. Exit codes as kvstore backup.",
    ],
    lines: PRINTED_LINES.export,
  },
  import: {
    usage:
      "kvstore import [FILE|-] [--on-existing fail|skip|overwrite] [--deadlines absolute|relative|drop] [--prefix PREFIX] [--dry-run] [--from-redis HOST:PORT] [--connect HOST:PORT,...] [--json]",
    summary: "Write keys from lines of JSON, or from a Redis, into a running cluster, through any of its nodes.",
    details: [
      'A line is an export\'s, or {"key":"...","value":"..."}, with ttl_ms or expires_at for a deadline; key_base64 and value_base64 are for bytes.',
      "Every line is checked; the first that is wrong is named by its number, and what stands before it is written. An export that was",
      "cut short is told by its end. Keys are written in transactions of up to 500, several at once, each exactly once. After any failure it says",
      "up to which line all is written, and can be given again: what an import has written it finds equal, or skips, or writes again. --dry-run",
      "reads and checks everything and changes nothing. It needs the right to write the keys; with --on-existing fail to read them, too.",
      "--from-redis copies the strings of a running Redis with their deadlines; keys of other types are left out, counted, and the first are named.",
      "Exit code 0 when all is written; 1 for a line that is wrong or a key that is there or too long; 5 without a leader; 6 when the outcome of the last",
      "transactions is unknown; 130 at a signal.",
    ],
    lines: PRINTED_LINES.import,
  },
  undo: {
    usage: "kvstore undo --prefix PREFIX --to REVISION [--dry-run] [--yes] [--connect HOST:PORT,...] [--json]",
    summary: "Take back what changed the keys of a prefix since a revision.",
    details: [
      "Nodes remember the last changes and what they replaced (--history-entries, --history-bytes of kvstore node). undo shows how many keys that",
      "begin so would be added, changed and removed to be what they were at REVISION, and the first of each, asks, or wants --yes where nobody can be",
      "asked, and writes all of it as one transaction, which changes nothing where one of these keys was written since it was shown. Keys that were first changed",
      "after that stay as they are. Deadlines are moments: a key gets its deadline back, and is gone where that has passed.",
      "Exit code 0 when it is done; 1, and nothing is changed, when the revision is not remembered any more, which a backup may still have, when keys were",
      "written meanwhile, or when one transaction is too small; 5 without a leader; 6 when the outcome is unknown.",
    ],
    lines: PRINTED_LINES.undo,
  },
  tls: {
    usage: "kvstore tls init|node|client|renew|show ...",
    summary: "Make a CA and certificates for a cluster, and show what is in certificates.",
    details: [
      "init DIR --nodes 0=10.0.0.1,1=10.0.0.2+db-1.example.com makes DIR/ca.pem and, for each node, node-ID.pem, with their keys in",
      ".key files; --nodes 3 makes them for nodes of this machine. A node's certificate has its names, those of its own machine",
      "(localhost) and kvstore://CLUSTER/ID, where CLUSTER is --cluster-id, or kvstore without one. node DIR ID=NAME[+NAME...] makes",
      "one more, client DIR NAME one for a program or a person. Keys are on P-256, in files that their owner alone can read.",
      "renew DIR gives the certificates of DIR new dates, or those that are named: renew DIR node-0 client-alice. Key, names and CA stay,",
      "so nothing else changes. renew DIR ca does so for the CA; give its new ca.pem to all. Certificates hold from an hour ago on,",
      "for machines whose clocks are behind, and no longer than their CA. show FILE|DIR... says subject, issuer, names, purposes and expiry;",
      "the exit code is 1 when one has expired or does not hold yet. Files that are there are overwritten only after a yes, or with --yes.",
    ],
  },
  assets: {
    usage: "kvstore assets dump DIR",
    summary: "Write the files for other programs that the executable carries: alerts, a dashboard, a service.",
    details: [
      "prometheus/alerts.yml are rules for Prometheus, grafana/kvstore.json is a dashboard for Grafana, systemd/kvstore.service",
      "is a unit for systemd. A file that is there with other contents is never overwritten: then nothing is written, and the",
      "exit code is 1.",
    ],
  },
  version: {
    usage: "kvstore version [--json]",
    summary: "Show the version of the program and of its runtime.",
    details: [
      "--json adds the commit and time of the build, and the formats and the protocol between nodes that it speaks.",
    ],
  },
  licenses: {
    usage: "kvstore licenses",
    summary: "Show the licenses of everything that the program carries.",
    details: [],
  },
  help: { usage: "kvstore help [COMMAND]", summary: "Show help.", details: [] },
};

/** Exit codes and what they mean. */
export const EXIT_CODE_TEXTS: readonly (readonly [code: number, meaning: string])[] = [
  [0, "done"],
  [1, "failure: refused, a port in use, a directory locked or unwritable, no node reached"],
  [2, "wrong usage: one line says what is wrong and what would be right"],
  [3, "cli: key not found"],
  [5, "no leader, or no majority"],
  [6, "outcome unknown; what was asked for may or may not take effect"],
  [74, "data damaged; nothing was changed"],
  [75, "a write or a sync of the disk failed"],
  [76, "the node was removed from the cluster for good"],
  [77, "data of another format version; nothing was changed"],
  [78, "the data does not fit into the memory limit; nothing was changed"],
  [130, "ended at once by a second signal, backup without --every, export and import by the first"],
];
