/** The picture of the cluster and one card for each node. */

import { byId, make, makeShape, setText, showCount, showDuration } from "./format.js";

const [CENTER_X, CENTER_Y, RADIUS_X, RADIUS_Y, NODE_RADIUS] = [160, 84, 110, 56, 21];

/** Where node number `at` of `count` stands: evenly around an ellipse, the first at the top. */
function placeOf(at, count) {
  if (count === 1) return { x: CENTER_X, y: CENTER_Y };
  const angle = 2 * Math.PI * at / count - Math.PI / 2;
  return { x: CENTER_X + RADIUS_X * Math.cos(angle), y: CENTER_Y + RADIUS_Y * Math.sin(angle) };
}

/** Draws the members of a frame. */
export function drawTopology({ members, node }) {
  const places = new Map(members.map((member, at) => [member.id, placeOf(at, members.length)]));
  const lines = [];
  for (const [at, first] of members.entries()) {
    for (const second of members.slice(at + 1)) lines.push(lineBetween(places, { first, second, leader: node.leader }));
  }
  const shapes = members.map((member) => shapeOf(member, { place: places.get(member.id), leader: node.leader }));
  byId("topology").replaceChildren(...lines, ...shapes);
}

function lineBetween(places, { first, second, leader }) {
  const [from, to] = [places.get(first.id), places.get(second.id)];
  const isCut = !first.reachable || !second.reachable;
  const leads = !isCut && (first.id === leader || second.id === leader);
  const attributes = { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: isCut ? "cut" : leads ? "leads" : "" };
  return makeShape("line", { attributes });
}

function shapeOf(member, { place: { x, y }, leader }) {
  const isLeader = member.id === leader && member.reachable;
  const text = (content, { dy, kind }) =>
    makeShape("text", { attributes: { x, y: y + dy, class: kind }, children: [content] });
  return makeShape("g", {
    attributes: { class: [isLeader ? "leader" : "", member.reachable ? "" : "gone"].join(" ") },
    children: [
      makeShape("circle", { attributes: { cx: x, cy: y, r: NODE_RADIUS } }),
      text(String(member.id), { dy: 6, kind: "id" }),
      text(roleOf(member, leader), { dy: NODE_RADIUS + 14, kind: "soft" }),
    ],
  });
}

function roleOf({ id, reachable, role, voter }, leader) {
  if (!reachable) return "unreachable";
  if (id === leader) return "leader";
  if (!voter) return "learner";
  return role === "PreCandidate" ? "pre-candidate" : (role ?? "unknown").toLowerCase();
}

/** Brings the cards up to date; they are made once for each node, so that focus and buttons stay. */
export function drawCards({ members, node }, addControls) {
  const list = byId("nodes");
  for (const member of members) {
    const card = document.querySelector(`[data-testid="node-${member.id}"]`) ??
      list.appendChild(makeCard(member, addControls));
    fillCard(card, { member, node });
  }
  const known = new Set(members.map((member) => `node-${member.id}`));
  for (const card of [...list.children]) if (!known.has(card.dataset.testid)) card.remove();
}

function makeCard({ id }, addControls) {
  const heading = make("h3", {
    children: [
      `Node ${id}`,
      make("span", { attributes: { class: "role" } }),
      make("span", { attributes: { class: "address" } }),
    ],
  });
  const facts = make("p", { attributes: { class: "facts" } });
  const controls = make("div", { attributes: { class: "row controls", hidden: "" } });
  const attributes = { class: "node", "data-testid": `node-${id}`, "data-node": id };
  const card = make("li", { attributes, children: [heading, facts, controls] });
  addControls(id, controls);
  return card;
}

function fillCard(card, { member, node }) {
  const isLeader = member.id === node.leader && member.reachable;
  card.dataset.role = isLeader ? "Leader" : member.reachable ? member.role ?? "Follower" : "Unknown";
  card.dataset.reachable = String(member.reachable);
  setText(card.querySelector(".role"), roleOf(member, node.leader) + (member.id === node.id ? ", shown here" : ""));
  setText(card.querySelector(".address"), member.http_address || member.client_address);
  setText(card.querySelector(".facts"), factsOf(member, node).join(" · "));
}

function factsOf(member, node) {
  if (member.id === node.id) {
    return [
      `term ${node.term}`,
      `commit ${showCount(node.commit_index)}`,
      `applied ${showCount(node.applied_index)}`,
      `log ${showCount(node.last_index)}`,
      `snapshot ${showCount(node.snapshot_index)}`,
    ];
  }
  const facts = [`term ${member.term ?? "-"}`, `log ${showCount(member.match_index)}`, `lag ${showCount(member.lag)}`];
  if (!member.reachable && member.last_contact_ms !== null) {
    facts.push(`last heard ${showDuration(member.last_contact_ms)} ago`);
  }
  return facts;
}
