/** The time line and the end of the log. */

import { byId, make, showTime } from "./format.js";

const HAPPENINGS_KEPT = 200;
/** Nodes that saw the same found it out within so long. */
const SAME_MS = 10_000;
/** What has a term in its text happens once, however late a node tells of it. */
const HAPPEN_ONCE = new Set(["election", "leader"]);

/** What happened, as told by every node that the page has followed; bounded. */
export class HappeningList {
  /** By node, the time of the newest happening that it told of. */
  #toldUntil = new Map();
  #newestFirst = [];

  get newestFirst() {
    return this.#newestFirst;
  }

  /** Takes the happenings of a frame, which repeats those of the frames before; true when some are new. */
  add({ node: { id }, happenings }) {
    const until = this.#toldUntil.get(id) ?? 0;
    const fresh = happenings.filter(({ at }) => at > until);
    if (fresh.length === 0) return false;
    this.#toldUntil.set(id, Math.max(...fresh.map(({ at }) => at)));
    const others = fresh.filter((happening) => !this.#isKnownFromOthers(id, happening));
    // Also when all are known: one may have happened earlier than it was told.
    const all = [...others.reverse().map((happening) => ({ ...happening, from: id })), ...this.#newestFirst];
    this.#newestFirst = all.sort((first, second) => second.at - first.at).slice(0, HAPPENINGS_KEPT);
    return true;
  }

  /** It happened when the first of them noticed: one that was paused or cut off hears of it late. */
  #isKnownFromOthers(id, { at, type, text }) {
    const known = this.#newestFirst.find((other) =>
      other.from !== id && other.type === type && other.text === text &&
      (HAPPEN_ONCE.has(type) || Math.abs(other.at - at) < SAME_MS)
    );
    if (known !== undefined) known.at = Math.min(known.at, at);
    return known !== undefined;
  }
}

/** The list on the page. */
export class TimeLine {
  #list = new HappeningList();

  /** Takes the happenings of a frame. */
  add(frame) {
    if (!this.#list.add(frame)) return;
    byId("time-line").replaceChildren(...this.#list.newestFirst.map(({ at, type, text }) => {
      const time = make("time", { attributes: { datetime: new Date(at).toISOString() }, children: [showTime(at)] });
      return make("li", { children: [time, make("span", { attributes: { class: type }, children: [text] })] });
    }));
  }
}

let shown = "";

/** Shows the end of the log, the newest entry first. */
export function drawLog({ log }) {
  const key = JSON.stringify(log);
  if (key === shown) return;
  shown = key;
  byId("log-tail").replaceChildren(
    ...log.toReversed().map(({ index, term, text }) => {
      const place = make("span", { attributes: { class: "index" }, children: [`${index} · term ${term}`] });
      return make("li", { children: [place, make("code", { children: [text] })] });
    }),
  );
}
