/** What the page says of the cluster and of each node: one sentence and one word, made of a frame and of what the launcher knows. */

import { showCount, showDuration } from "./format.js";

/** Entries behind the newest commit index from which a node counts as one that still catches up. */
const LAG_SHOWN_MIN = 1_000;

/** How a node is called that does not run, by the state that the launcher knows. */
const LAUNCHED = {
  Down: { label: "killed", level: "bad", verb: "start", one: "was killed", many: "were killed" },
  Waiting: {
    label: "crashed",
    level: "bad",
    verb: "wait for",
    one: "crashed and is started again",
    many: "crashed and are started again",
  },
  Ended: { label: "ended", level: "bad", verb: "start", one: "has ended", many: "have ended" },
  Paused: { label: "paused", level: "warn", verb: "continue", one: "is paused", many: "are paused" },
};
/** The same of those that run, or of which only this node's own view is known. */
const PARTITIONED = {
  label: "partitioned",
  level: "warn",
  verb: "heal",
  one: "is partitioned",
  many: "are partitioned",
};
const SILENT = {
  label: "not answering",
  level: "warn",
  verb: "wait for",
  one: "runs, but does not answer yet",
  many: "run, but do not answer yet",
};
const ELSEWHERE = {
  label: "runs, not reached",
  level: "warn",
  verb: "reconnect",
  one: "runs, but is not reached",
  many: "run, but are not reached",
};
const AWAY = {
  label: "not reachable",
  level: "bad",
  verb: "start",
  one: "is not reachable",
  many: "are not reachable",
};
const QUARANTINED = {
  label: "in quarantine",
  level: "bad",
  verb: "wait for",
  one: "is in quarantine and waits for a snapshot",
  many: "are in quarantine and wait for a snapshot",
};

/**
 * How a node is: `label` in a word, `level` (`good`, `warn` or `bad`), `isUp` when it takes part, `isCut` when it runs and its
 * connections are cut; for one that does not take part also what is told of `one` or `many` such, and the `verb` that brings
 * it back.
 */
export function conditionOf(member, { node, launched }) {
  const process = launched?.find(({ id }) => id === member.id);
  const down = LAUNCHED[process?.state];
  if (down !== undefined) return { ...down, isUp: false, isCut: false };
  // Cut off on request, it still reaches itself.
  if (process?.partitioned) return { ...PARTITIONED, isUp: false, isCut: true };
  if (member.reachable && member.quarantined) return { ...QUARANTINED, isUp: false, isCut: false };
  if (member.reachable) return { label: roleLabelOf(member, node), level: "good", isUp: true, isCut: false };
  if (process === undefined) return { ...AWAY, isUp: false, isCut: false };
  const isHereCut = launched.some(({ id, partitioned }) => id === node.id && partitioned);
  return { ...(isHereCut ? ELSEWHERE : SILENT), isUp: false, isCut: false };
}

/**
 * The role that a member has in the term of the node shown. What a member said of itself is as old as its last ping: one
 * that led an earlier term leads no more.
 */
export function roleOf({ id, role, term }, node) {
  if (id === node.leader) return "Leader";
  return role === "Leader" && term < node.term ? "Follower" : role ?? "Follower";
}

function roleLabelOf(member, node) {
  const role = roleOf(member, node);
  if (role !== "Leader" && !member.voter) return "learner";
  return role === "PreCandidate" ? "pre-candidate" : role.toLowerCase();
}

/** What a card says of where a node's log ends: of one that is away, what was last seen of it, and how long ago. */
export function lastSeenOf({ match_index: index, last_contact_ms: contactMs }, { passedMs }) {
  if (contactMs === null) return "Not heard since the node shown here started";
  const ago = `${showDuration(contactMs + passedMs)} ago`;
  return index === null ? `Last heard ${ago}` : `Last seen at index ${showCount(index)}, ${ago}`;
}

/**
 * The headline: `level` (`good`, `busy`, `warn` or `bad`), `title` and `detail`. `link` is the state of the connection; `frame`
 * is the last one, `passedMs` its age, and `launched` the nodes as the launcher knows them, undefined where there is none.
 */
export function headlineOf({ link, frame, launched, passedMs }) {
  if (link !== "live" || frame === undefined) return linkHeadline({ link, frame, passedMs });
  const { node, members } = frame;
  const voters = members.filter(({ voter }) => voter)
    .map((member) => ({ ...member, condition: conditionOf(member, { node, launched }) }));
  const needed = Math.floor(voters.length / 2) + 1;
  const reached = voters.filter(({ id, reachable, quarantined, condition }) =>
    id === node.id ? !quarantined : reachable && condition.isUp
  );
  const view = { node, voters, needed, reached, launched, lost: voters.filter((member) => !reached.includes(member)) };
  const own = voters.find(({ id }) => id === node.id);
  if (own?.condition.isCut) return cutHeadline(view);
  if (reached.length < needed) return noQuorumHeadline(view);
  if (!reached.some(({ id }) => id === node.leader)) return electingHeadline(view);
  return view.lost.length === 0 ? healthyHeadline(view) : workingHeadline(view);
}

function linkHeadline({ link, frame, passedMs }) {
  const age = frame === undefined ? "" : ` What you see below was so ${showDuration(passedMs)} ago.`;
  if (link === "gone") {
    return { level: "bad", title: "No node answers", detail: `Every known node was asked, and is asked again.${age}` };
  }
  if (link === "out") {
    const why =
      "The login was ended, is older than 12 hours, or its user is no administrator any more, or the node was started again.";
    return { level: "warn", title: "Logged out", detail: `${why}${age}` };
  }
  if (link === "left") {
    const detail = `It is asked again. A login is for one node: log in at another one to go on.${age}`;
    return { level: "bad", title: "The node of this page does not answer", detail };
  }
  if (frame === undefined) return { level: "busy", title: "Connecting", detail: "Waiting for the first news." };
  const detail = `Node ${frame.node.id} does not answer. Looking for a node that does.${age}`;
  return { level: "busy", title: "Connection lost", detail };
}

function healthyHeadline({ node, voters, needed }) {
  const spare = voters.length - needed;
  // Only a leader knows how far the others are; what a follower knows of them is as old as their last ping.
  const late = node.id === node.leader ? voters.filter(({ lag }) => lag !== null && lag >= LAG_SHOWN_MIN) : [];
  const behind = late.map(({ id, lag }) => ` Node ${id} still catches up: ${showCount(lag)} entries behind.`).join("");
  const who = voters.length === 1 ? "One node" : `All ${voters.length} nodes answer`;
  const detail = `${who}. Node ${node.leader} leads in term ${node.term}.${behind}`;
  if (spare === 0) return { level: "good", title: "Healthy, but cannot lose a node", detail };
  return { level: "good", title: `Healthy, can lose ${countOf(spare)}`, detail };
}

function workingHeadline({ node, voters, needed, reached, lost }) {
  const spare = reached.length - needed;
  const more = spare === 0 ? "cannot lose another node" : `can lose ${spare} more`;
  const detail = `${
    toldOf(lost)
  }. Node ${node.leader} leads ${reached.length} of ${voters.length} in term ${node.term}.`;
  return { level: "warn", title: `Working without ${nodesOf(lost, "and")}, ${more}`, detail };
}

function electingHeadline({ node, voters, reached, lost }) {
  const away = lost.length === 0 ? "" : ` ${toldOf(lost)}.`;
  const detail = `${reached.length} of ${voters.length} nodes can talk: enough to elect a leader.${away} ` +
    `Node ${node.id} is in term ${node.term}.`;
  return { level: "busy", title: "Electing a leader", detail };
}

function noQuorumHeadline({ node, voters, needed, reached, lost, launched }) {
  const missing = needed - reached.length;
  const doubt = launched === undefined ? ` They are down, or node ${node.id} is cut off from them.` : "";
  const detail = `Node ${node.id} reaches ${reached.length} of ${voters.length} nodes and needs ${needed}: ` +
    `nothing can be written or read, except stale values. ${toldOf(lost)}.${doubt}`;
  return { level: "bad", title: `No quorum: ${remedyOf(lost, missing)}`, detail };
}

/** The launcher has cut off the very node that is shown. */
function cutHeadline({ node, voters, needed }) {
  const others = voters.filter(({ condition }) => condition.label === ELSEWHERE.label);
  const detail = others.length >= needed
    ? `It knows of no majority and serves only stale values. ${
      capital(nodesOf(others, "and"))
    } can go on without it: ` +
      "choose Watch on one of them."
    : `It serves only stale values, and the others that run are no majority either.`;
  return { level: "bad", title: `Node ${node.id} is partitioned: heal it to bring it back`, detail };
}

/** "start node 0 or 2", "start node 0 or continue node 2", "start node 0 and node 2", "bring back 2 of nodes 0, 1 and 3". */
function remedyOf(lost, missing) {
  if (missing > 1 && missing < lost.length) return `bring back ${missing} of ${nodesOf(lost, "and")}`;
  const word = missing === lost.length ? "and" : "or";
  const verbs = [...new Set(lost.map(({ condition }) => condition.verb))];
  return joined(
    verbs.map((verb) => `${verb} ${nodesOf(lost.filter(({ condition }) => condition.verb === verb), word)}`),
    word,
  );
}

/** "Node 1 was killed, nodes 2 and 3 are paused". */
function toldOf(lost) {
  const told = [...new Set(lost.map(({ condition }) => condition.label))].map((label) => {
    const members = lost.filter(({ condition }) => condition.label === label);
    const { one, many } = members[0].condition;
    return `${nodesOf(members, "and")} ${members.length === 1 ? one : many}`;
  });
  return capital(told.join(", "));
}

function nodesOf(members, word) {
  const ids = members.map(({ id }) => String(id));
  return `${ids.length > 1 && word === "and" ? "nodes" : "node"} ${joined(ids, word)}`;
}

function joined(words, word) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${word} ${words.at(-1)}`;
}

function countOf(count) {
  return count === 1 ? "1 node" : `${count} nodes`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
