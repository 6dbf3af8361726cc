/** The picture of the cluster. */

import { conditionOf } from "./condition.js";
import { byId, makeShape } from "./format.js";

const [CENTER_X, CENTER_Y, RADIUS_X, RADIUS_Y, NODE_RADIUS] = [160, 104, 112, 74, 24];

/** Where node number `at` of `count` stands: evenly around an ellipse, the first at the top. */
function placeOf(at, count) {
  if (count === 1) return { x: CENTER_X, y: CENTER_Y };
  const angle = 2 * Math.PI * at / count - Math.PI / 2;
  return { x: CENTER_X + RADIUS_X * Math.cos(angle), y: CENTER_Y + RADIUS_Y * Math.sin(angle) };
}

/** Draws the members of a frame. */
export function drawTopology({ members, node }, launched) {
  const nodes = members.map((member, at) => {
    const condition = conditionOf(member, { node, launched });
    return { id: member.id, condition, place: placeOf(at, members.length), leads: member.id === node.leader };
  });
  const lines = nodes.flatMap((first, at) => nodes.slice(at + 1).map((second) => lineBetween(first, second)));
  const picture = byId("topology");
  // Three stand in the upper part of the ellipse.
  const height = nodes.length === 3 ? 188 : 226;
  picture.setAttribute("viewBox", `0 0 ${2 * CENTER_X} ${height}`);
  picture.replaceChildren(...lines, ...nodes.map(shapeOf));
}

function lineBetween(first, second) {
  const isCut = [first, second].some(({ condition: { isUp, isCut, verb } }) =>
    isCut || (!isUp && verb !== "reconnect")
  );
  const isHidden = first.condition.verb === "reconnect" && second.condition.verb === "reconnect";
  const leads = !isCut && !isHidden && (isLeader(first) || isLeader(second));
  const kind = isCut ? "cut" : leads ? "leads" : "";
  const [from, to] = [first.place, second.place];
  return makeShape("line", { attributes: { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: kind } });
}

function isLeader({ leads, condition }) {
  return leads && condition.isUp;
}

function shapeOf(shown) {
  const { id, condition: { label, level, isUp, isCut }, place: { x, y } } = shown;
  const text = (content, { dy, kind }) =>
    makeShape("text", { attributes: { x, y: y + dy, class: kind }, children: [content] });
  return makeShape("g", {
    attributes: { class: [isLeader(shown) ? "leader" : "", isUp ? "" : isCut ? "split" : "gone", level].join(" ") },
    children: [
      makeShape("circle", { attributes: { cx: x, cy: y, r: NODE_RADIUS } }),
      text(String(id), { dy: 6, kind: "id" }),
      text(label, { dy: NODE_RADIUS + 15, kind: "soft" }),
    ],
  });
}
