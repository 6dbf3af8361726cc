/** The limits and times of the driver, each with its reason. */

/** One tick of the core: fine enough for the 10 to 50 ms delay after a disconnect, rare enough to cost nothing. */
export const TICK_MS = 10;
/** Ticks caught up in one turn after a stall, so that waiting messages are read before a timeout is believed. */
export const TICKS_PER_TURN_MAX = 5;
/** Commands given to the core in one proposal. */
export const COMMANDS_PER_PROPOSAL_MAX = 4_096;
/** Writes, and reads, that do not wait for the batch before them once they are so many: a flood keeps everybody busy. */
export const GATHERED_MAX = 1_024;
/** How long they wait for that at most: a round between machines far apart must not be waited for. */
export const GATHERING_MS_MAX = 2;
/** Bytes of commands given to the core in one proposal; one command is always taken. */
export const BYTES_PER_PROPOSAL_MAX = 4_194_304;
/** Writes that wait for their outcome; above it new ones are refused as `Overloaded`. */
export const PENDING_WRITES_MAX = 100_000;
/** Bytes of the writes that wait for their outcome. */
export const PENDING_WRITE_BYTES_MAX = 268_435_456;
/** Reads that wait for their confirmation. */
export const PENDING_READS_MAX = 100_000;
/** What may wait for its outcome on one node. */
export interface PendingLimits {
  readonly writesMax: number;
  readonly writeBytesMax: number;
  readonly readsMax: number;
}
/** Those of every node but in tests. */
export const DEFAULT_PENDING_LIMITS: PendingLimits = {
  writesMax: PENDING_WRITES_MAX,
  writeBytesMax: PENDING_WRITE_BYTES_MAX,
  readsMax: PENDING_READS_MAX,
};
/** A confirmation that has not come after so long is asked for again: its message may have been lost. */
export const READ_RETRY_MS = 300;
/** Longest piece of a snapshot written or loaded in one turn of the event loop. */
export const SNAPSHOT_SLICE_MS = 3;
/** While one is written the disk is left alone for so many times as long as it took to write a piece back. */
export const SNAPSHOT_DISK_REST = 3;
/** Longest pause between two pieces: a slow disk must not put off a snapshot for ever. */
export const SNAPSHOT_REST_MS_MAX = 50;
/** `SNAPSHOT_SLICE_MS` while a node starts: it serves nobody yet, and each turn is a millisecond without work. A signal waits so long. */
export const START_SLICE_MS = 50;
/** Entries kept behind a snapshot for followers that lag a little, at most as many as lie between snapshots. */
export const TRAILING_ENTRIES_MAX = 10_000;
/** Entries kept, beyond those, for a follower that is receiving an older snapshot: it must find what comes after it. */
export const KEPT_FOR_RECEIVER_ENTRIES_MAX = 1_000_000;
/** Bytes of commands in memory above which nothing is kept for such a follower. */
export const KEPT_FOR_RECEIVER_BYTES_MAX = 268_435_456;
/** A damaged snapshot that cannot be replaced, since there is no room, is tried again after so long. */
export const REPLACEMENT_RETRY_MS = 12_000;
/** A follower that has not answered for so long is not waited for. */
export const RECEIVER_SILENT_MS_MAX = 10_000;
/**
 * Entries applied in one turn of the event loop, by the bytes of their commands and what each costs beside them: one longest
 * value, or about 10 ms of small ones. A node that starts finds its whole log committed at once.
 */
export const APPLIED_PER_TURN_BYTES = 8_388_608;
/** See `APPLIED_PER_TURN_BYTES`. */
export const APPLIED_ENTRY_BYTES = 2_048;
/** When a term or vote finds no space on the disk, it is tried again after so long; until then the node promises nothing. */
export const NO_SPACE_RETRY_MS = 200;
/** How often the leader looks after the membership (identities, nodes to admit again). */
export const MEMBERSHIP_CHECK_MS = 200;
/** Configurations that the leader appends by itself in a row: every server of a large cluster may have moved at once. */
export const OWN_CONFIGURATIONS_MAX = 20;
/** How long it waits for each further one, so that servers that claim one place in turns do not fill the log. */
export const OWN_CONFIGURATION_MS = 5_000;
/** A learner has caught up once it has held what was committed so long ago ... */
export const CAUGHT_UP_LAG_MS = 1_000;
/** ... for so long without a break. */
export const CAUGHT_UP_MS = 1_000;
/** A server that asked to join and was not heard for so long has given up. */
export const JOINS_FRESH_MS = 10_000;
/** How long a stopping leader waits for another one to take over. */
export const HANDOVER_MS = 1_500;
/** How long a transfer of the leadership that somebody asked for may take: two elections and a little. */
export const TRANSFER_MS = 5_000;
/** Entries that the node asked for may lack: the leader takes no writes while it sends them, and gives up after an election timeout. */
export const TRANSFER_LAG_ENTRIES_MAX = 10_000;
/** How long a node that was removed goes on, so that answers leave it. */
export const REMOVED_MS = 200;
/** How long a change of the membership may take: two entries of the log. */
export const MEMBER_CHANGE_MS = 5_000;
/** The cluster's time is cut into slots of so long: the first entry of each is one at which all nodes take the digests of their states. */
export const CHECK_MS = 30_000;
/** So is every entry whose index is a multiple of this, however many come in a slot. */
export const CHECK_ENTRIES = 1_048_576;
/** Digests that a node tells its peers with each ping: the pings of two nodes are up to a second apart. */
export const CHECKS_TOLD_MAX = 8;
/** A slice of the sweep through the memory ends after so long, behind the part that it is at; the next one begins after a pause. */
export const SWEEP_SLICE_MS = 2;
/** From the beginning of one slice to that of the next, at least. */
export const SWEEP_PAUSE_MS = 100;
/** The part of a processor that the sweep takes at most, also where one part of the memory takes long. */
export const SWEEP_SHARE = 0.02;
/** A sweep takes at least so long, however little there is: two parts in each slice, which is half a percent of a processor for a million keys. */
export const SWEEP_PASS_MS_MIN = 204_800;
/** A node whose memory is damaged says so for so long before it goes into quarantine: of several that are, not too many may go. */
export const SUSPECT_MS = 3_000;
/** A leader whose memory is damaged asks again after so long that another one leads: it takes no writes for up to an election timeout each time. */
export const HANDOVER_RETRY_MS = 3_000;
/** How often a leader looks for nodes in quarantine that need a snapshot. */
export const REPAIR_LOOK_MS = 1_000;
/** A scrub of the directory begins so long after the one before it, or after the start, at the least. */
export const SCRUB_PAUSE_MS = 60_000;
/** A repair that has to wait, for entries to be applied, is tried again after so long; so is one whose snapshot failed, and then after twice as long ... */
export const SCRUB_REPAIR_RETRY_MS = 1_000;
/** ... but never more than this: to write a snapshot that does not fit costs as much as to write one that does. */
export const REPAIR_RETRY_MS_MAX = 60_000;
/** Backups that are read at the same time. */
export const BACKUPS_MAX = 4;
/** Longest piece of a snapshot for which a backup alone waits: a client waits for no more than that. */
export const BACKUP_SLICE_MS = 1;
/** Then the processor is left alone for so many times as long as the piece took: a backup costs at most about a tenth of one. */
export const BACKUP_REST = 9;
/** Bytes of a backup that leave in a second at most, each second and for each of the backups that are read at the same time. */
export const BACKUP_BYTES_PER_SECOND_MAX = 33_554_432;
/** How long a stopping node waits for open writes after that. */
export const DRAIN_MS = 2_000;
/** And for its files to be closed: a disk that hangs may never let it. */
export const CLOSE_MS = 1_000;
/** Lines that LOGS gives at most. */
export const LOG_TAIL_MAX = 10_000;
/** Frames of commands under way to a leader at a time. When there are so many, what comes gathers in larger ones. */
export const FLIGHTS_MAX = 64;
/** While a frame is under way the next one gathers for so long: short beside any distance, and long enough for many clients. */
export const FLIGHT_GATHERING_MS = 1;
/** Bytes of their commands from which on the next frame waits: two frames of full length keep any leader busy. */
export const FLIGHT_BYTES_MAX = 8_388_608;
/** A `ForwardResult` is sent once its outcomes are so long; the rest follows in another. */
export const FORWARDED_RESULT_BYTES_TARGET = 4_194_304;
/** Longest outcome that is passed on; JSON may make six times as much of it, which must fit into a frame. */
export const FORWARDED_OUTCOME_BYTES_MAX = 8_912_896;
/** What of a memory limit comes on top of it: for what makes room, for the log, and for segments and tables, which grow in steps. */
export const MEMORY_RESERVE_SHARE = 0.25;
/** From this part of a memory limit on people are told; below the second one it may be told again. */
export const MEMORY_HIGH_SHARE = 0.8;
/** See `MEMORY_HIGH_SHARE`. */
export const MEMORY_LOW_SHARE = 0.7;
/** Parts of a memory limit that the log in memory takes before a snapshot is due, however large the state is. */
export const MEMORY_LOG_SHARE = 1 / 8;
/** The same for the entries that stay behind a snapshot, and for the history of changes. */
export const MEMORY_HISTORY_SHARE = 1 / 16;
/** The same for writes that wait, and for entries kept for a follower that receives a snapshot. */
export const MEMORY_QUEUE_SHARE = 1 / 4;
/** A snapshot that does not fit into the memory is not received again before so long. */
export const MEMORY_RETRY_MS = 10_000;
/** How often the node asks how much room the disk has. */
export const SPACE_LOOK_MS = 200;
/** With so much more free than is kept, nobody is asked between two looks: no disk writes as much in that time. */
export const AMPLE_SPACE_BYTES = 1_073_741_824;
/** What of the disk a leader keeps free beside what snapshots need, as a part of all of it ... */
export const DISK_MARGIN_SHARE = 1 / 4;
/** ... and at most: four segments of the log. */
export const DISK_MARGIN_BYTES_MAX = 67_108_864;
/** From this part of the disk on people are told; below the second one it may be told again. */
export const DISK_HIGH_SHARE = 0.8;
/** See `DISK_HIGH_SHARE`. */
export const DISK_LOW_SHARE = 0.75;
/** Parts of the margin that the log takes before a snapshot is due while room is short. */
export const SHORT_SNAPSHOT_SHARE = 1 / 4;
/** What the leader's time adds to a proposal. */
export const STAMP_BYTES_MAX = 24;
/** Lives of nodes whose forwards are known to have come, so that none is done twice; the one heard longest ago is forgotten. */
export const FORWARDERS_MAX = 256;
