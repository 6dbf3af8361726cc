/** The time line and the end of the log. */

import { byId, make, showTime } from "./format.js";

const HAPPENINGS_KEPT = 200;
/** Nodes that saw the same found it out within so long. */
const SAME_MS = 10_000;
/** What has a term or an index in its text happens once, however late a node tells of it. */
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
    const all = [...others.reverse().map((happening) => ({ ...happening, from: id })), ...this.#newestFirst];
    this.#newestFirst = all.sort((first, second) => second.at - first.at).slice(0, HAPPENINGS_KEPT);
    return true;
  }

  #isKnownFromOthers(id, { at, type, text }) {
    return this.#newestFirst.some((known) =>
      known.from !== id && known.type === type && known.text === text &&
      (HAPPEN_ONCE.has(type) || Math.abs(known.at - at) < SAME_MS)
    );
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
