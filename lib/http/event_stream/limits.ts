/** The limits of the change stream, each with its reason. */

/** Watchers of one node. Each holds a connection, a place in a group and what waits to be sent. */
export const WATCHERS_MAX = 4_096;
/** Distinct ranges of keys that are compared one by one with every change; prefixes and single keys have an index. */
export const RANGE_GROUPS_MAX = 256;
/** Prefixes up to this length have the index; each length in use costs every change one look. */
export const INDEXED_PREFIX_BYTES_MAX = 128;
/**
 * A watcher with more unsent bytes than this gets nothing more until they have left, and then goes on from the history: so
 * a slow one costs this and one piece, and no more.
 */
export const UNSENT_EVENT_BYTES_MAX = 32_768;
/** Bytes that wait for all watchers together, about: with more of them each gets shorter pieces. Two thirds of what HTTP may hold. */
export const ALL_UNSENT_BYTES_TARGET = 67_108_864;
/** Bytes of events made for one watcher, or one group of them, before others get their turn; a longer entry is one piece. */
export const EVENT_PIECE_BYTES = { least: 16_384, most: 1_048_576 } as const;
/** Entries that one watcher looks through in its turn, wanted ones or not: about a millisecond. */
export const ENTRIES_PER_TURN_MAX = 2_048;
/** Entries that are made into events for the groups in one turn of the event loop: about two milliseconds. */
export const ENTRIES_MADE_PER_TURN_MAX = 1_024;
/** Entries after which events are sent although more are new: under a steady load there always are. */
export const ENTRIES_PER_DELIVERY_MAX = 16_384;
/** What the sends of one turn may cost, as estimated below: a thousand watchers must not hold up the event loop. */
export const TURN_COST_MS_MAX = 2;
/** Records that a watcher gets of the state in its turn. */
export const RECORDS_PER_TURN_MAX = 1_000;
/** Up to so many watchers are few. */
export const FEW_WATCHERS_MAX = 32;
/** Share of the event loop's time that watchers may take while there is other work: writes come before a thousand of them. */
export const WATCHERS_SHARE = { few: 0.25, many: 0.05 } as const;
/** What handing a text to one watcher costs beside the call itself: encoding, the system call and its end. */
export const SEND_COST_MS = 0.05;
/** What each byte of it costs. */
export const SEND_COST_MS_PER_BYTE = 1 / 262_144;
/** So much of the history not yet made into events: few watchers take what they need then, many are reset at its end. */
export const URGENT_SHARE_OF_HISTORY = 0.25;
/** Longest pause between two turns of watchers, whatever the one before has cost. */
export const PAUSE_MS_MAX = 250;
/** A watcher hears at least so often that the stream lives. */
export const HEARTBEAT_MS = 5_000;
/** How often the watchers are looked after. A tenth of them at a time, so that their heartbeats do not come all at once. */
export const CARE_MS = 500;
/** How often a majority is asked whether this node still belongs to it. */
export const QUORUM_PROBE_MS = 1_000;
/** A stream ends once no majority has confirmed a read for so long: what it does not tell may have happened elsewhere. */
export const NO_QUORUM_MS = 10_000;
/** How long clients wait before they connect again. */
export const RECONNECT_MS = 500;
