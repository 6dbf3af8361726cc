/** The time line and the end of the log. */

import { byId, make, showTime } from "./format.js";

const HAPPENINGS_KEPT = 200;

/** What happened, as told by every node that the page has followed. */
export class TimeLine {
  #known = new Map();

  /** Takes the happenings of a frame; several nodes tell of the same, a second apart perhaps. */
  add({ happenings }) {
    let isNew = false;
    for (const { at, type, text } of happenings) {
      const key = `${type} ${text}`;
      const known = this.#known.get(key);
      if (known !== undefined && Math.abs(known.at - at) < 60_000) continue;
      this.#known.delete(key);
      this.#known.set(key, { at, type, text });
      isNew = true;
    }
    if (isNew) this.#show();
  }

  #show() {
    for (const key of this.#known.keys()) {
      if (this.#known.size <= HAPPENINGS_KEPT) break;
      this.#known.delete(key);
    }
    const newestFirst = [...this.#known.values()].sort((first, second) => second.at - first.at);
    byId("time-line").replaceChildren(...newestFirst.map(({ at, type, text }) => {
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
