/** One card for each node: how it is, where it is, and what can be done to it. */

import { conditionOf, lastSeenOf, roleOf } from "./condition.js";
import { byId, make, setText, showBytes, showCount } from "./format.js";

/** From this part on it is said what takes the space; a node warns in its log then, too. */
const DISK_HIGH_SHARE = 0.8;

/** Brings the cards up to date; they are made once for each node, so that focus and buttons stay. */
export function drawCards({ members, node, disk }, { launched, passedMs, addControls }) {
  const list = byId("nodes");
  for (const member of members) {
    const card = document.querySelector(`[data-testid="node-${member.id}"]`) ??
      list.appendChild(makeCard(member, addControls));
    fillCard(card, { member, node, disk, launched, passedMs });
  }
  const known = new Set(members.map((member) => `node-${member.id}`));
  for (const card of [...list.children]) if (!known.has(card.dataset.testid)) card.remove();
}

function makeCard({ id }, addControls) {
  const heading = make("h3", {
    children: [
      `Node ${id}`,
      make("span", { attributes: { class: "role", "data-testid": `condition-${id}` } }),
      make("span", { attributes: { class: "here" } }),
    ],
  });
  const where = make("p", {
    attributes: { class: "address" },
    children: [make("span"), make("span", { attributes: { class: "tag", "data-testid": `tag-${id}` } })],
  });
  const facts = make("p", { attributes: { class: "facts", "data-testid": `facts-${id}` } });
  const controls = make("div", { attributes: { class: "row controls" } });
  const membership = make("div", { attributes: { class: "row membership" } });
  const attributes = { class: "node", "data-testid": `node-${id}`, "data-node": id };
  const card = make("li", { attributes, children: [heading, where, facts, controls, membership] });
  addControls(id, { heading, controls, membership });
  return card;
}

function fillCard(card, { member, node, disk, launched, passedMs }) {
  const condition = conditionOf(member, { node, launched });
  card.dataset.role = condition.isUp ? roleOf(member, node) : "Unknown";
  card.dataset.reachable = String(member.reachable);
  card.dataset.level = condition.level;
  setText(card.querySelector(".role"), condition.label);
  setText(card.querySelector(".tag"), tagsOf(member, condition).join(", "));
  setText(card.querySelector(".here"), member.id === node.id ? "shown here" : "");
  setText(card.querySelector(".address > span"), member.http_address || member.client_address);
  setText(card.querySelector(".facts"), factsOf(member, { node, disk, condition, passedMs }));
}

/** How full the disk of the node that is shown here is; nothing where it does not know. */
function diskFacts(disk) {
  if (disk === null) return [];
  const share = 1 - disk.free / disk.size;
  const full = `disk ${Math.floor(share * 100)} % full`;
  if (share < DISK_HIGH_SHARE) return [full];
  const { log, snapshots, temporary } = disk;
  const parts = { log, snapshots, temporary, other: Math.max(0, disk.size - disk.free - log - snapshots - temporary) };
  const shown = Object.entries(parts).map(([name, bytes]) => `${name} ${showBytes(bytes)}`).join(", ");
  return [`${full} (${shown})`, ...(disk.free < disk.reserve ? ["no room for writes that add"] : [])];
}

/** What is not the usual of a member; of a learner that is up its condition says it. */
function tagsOf({ voter, drained }, { isUp }) {
  return [...(voter || isUp ? [] : ["learner"]), ...(drained ? ["drained"] : [])];
}

function factsOf(member, { node, disk, condition, passedMs }) {
  if (member.id === node.id) {
    const facts = [
      `term ${node.term}`,
      `log ${showCount(node.last_index)}`,
      `applied ${showCount(node.applied_index)}`,
      ...(node.snapshot_index > 0 ? [`snapshot ${showCount(node.snapshot_index)}`] : []),
      ...diskFacts(disk),
    ];
    return facts.join(" · ");
  }
  if (!condition.isUp) return lastSeenOf(member, { passedMs });
  const facts = [`term ${member.term ?? "-"}`, `log ${showCount(member.match_index)}`];
  // Only a leader knows how far the others are; of a learner, what it said last is better than nothing.
  if ((node.id === node.leader || !member.voter) && member.lag !== null) {
    facts.push(member.lag === 0 ? "up to date" : `${showCount(member.lag)} behind`);
  }
  return facts.join(" · ");
}
