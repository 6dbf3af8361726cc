/** What the charts show: points in time for each series, with holes where nothing is known. */

/** How much of the past is shown. */
export const SECONDS_SHOWN = 180;
/** Frames come once a second: points further apart have nothing between them. */
const GAP_SECONDS_MIN = 2.5;

/**
 * The points of one chart, in the form that the drawing takes: `data[0]` are seconds, the rest the values of each series, null
 * for none. Time is that of the page, so that nodes whose clocks differ can follow one another.
 */
export class ChartHistory {
  data;

  constructor(seriesCount) {
    this.data = Array.from({ length: seriesCount + 1 }, () => []);
  }

  /** Adds a point. With `isAnother` it is of another node than the one before: no line leads there. */
  add(seconds, values, isAnother = false) {
    const last = this.data[0].at(-1);
    if (last !== undefined && (isAnother || seconds - last > GAP_SECONDS_MIN)) {
      this.#push(last + (seconds - last) / 2, values.map(() => null));
    }
    this.#push(seconds, values);
    const first = this.data[0].findIndex((time) => time >= seconds - SECONDS_SHOWN);
    for (const list of this.data) list.splice(0, first);
  }

  #push(seconds, values) {
    for (const [at, value] of [seconds, ...values].entries()) this.data[at].push(value);
  }
}

/** Indices of values with no neighbour: no line shows them, so a dot must. */
export function lonely(values) {
  const isNone = (at) => values[at] === null || values[at] === undefined;
  return Array.from(values.keys()).filter((at) => !isNone(at) && isNone(at - 1) && isNone(at + 1));
}
