/** Charts of the last minutes. */

import { byId, make, setText, showBytes, showNumber, showSeconds } from "./format.js";

const SECONDS_KEPT = 180;
const HEIGHT = 130;
const HOUR_AND_MINUTE = { hour: "2-digit", minute: "2-digit" };

const CHARTS = [
  {
    title: "Throughput, per second",
    show: showNumber,
    series: [
      { label: "writes", read: ({ rates }) => rates?.applied ?? null },
      { label: "reads", read: ({ rates }) => rates?.reads ?? null, isSecond: true },
    ],
  },
  {
    title: "Latency, p99",
    show: showSeconds,
    series: [
      { label: "clients", read: ({ frame }) => frame.quantiles.command_p99 },
      { label: "HTTP", read: ({ frame }) => frame.quantiles.http_p99, isSecond: true },
    ],
  },
  {
    title: "fdatasync latency",
    show: showSeconds,
    series: [
      { label: "p99", read: ({ frame }) => frame.quantiles.fsync_p99 },
      { label: "p50", read: ({ frame }) => frame.quantiles.fsync_p50, isSecond: true },
    ],
  },
  {
    title: "Event-loop lag",
    show: showSeconds,
    series: [{ label: "p99", read: ({ frame }) => frame.quantiles.loop_lag_p99 }],
  },
  {
    title: "Memory",
    show: showBytes,
    steps: Array.from({ length: 44 }, (_, at) => 2 ** at),
    series: [
      { label: "resident", read: ({ frame }) => frame.memory.rss },
      { label: "heap", read: ({ frame }) => frame.memory.heap_used, isSecond: true },
    ],
  },
];

/** The charts and what they show. A frame of another node begins them anew. */
export class Charts {
  #charts = [];
  #node;
  #previous;

  constructor() {
    const host = byId("charts");
    for (const chart of CHARTS) {
      const value = make("strong");
      const plot = make("div", { attributes: { class: "plot", role: "img", "aria-label": chart.title } });
      const heading = make("h3", { children: [chart.title, value] });
      host.append(make("div", { attributes: { class: "chart" }, children: [heading, plot] }));
      this.#charts.push({ chart, value, plot, data: emptyData(chart), drawing: undefined });
    }
    const redraw = () => this.redraw();
    new ResizeObserver(redraw).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  /** Adds a frame. */
  add(frame) {
    if (frame.node.id !== this.#node) {
      this.#node = frame.node.id;
      this.#previous = undefined;
      setText(byId("charts-node"), String(this.#node));
      for (const entry of this.#charts) entry.data = emptyData(entry.chart);
    }
    const rates = ratesBetween(this.#previous, frame);
    this.#previous = frame;
    for (const entry of this.#charts) {
      const values = entry.chart.series.map((series) => series.read({ frame, rates }));
      push(entry.data, [frame.at_ms / 1000, ...values]);
      setText(
        entry.value,
        values.map((value, at) => `${entry.chart.series[at].label} ${entry.chart.show(value)}`).join(", "),
      );
      if (entry.drawing === undefined) entry.drawing = draw(entry);
      else entry.drawing.setData(entry.data);
    }
  }

  /** Draws all anew, in the present colours and size. */
  redraw() {
    for (const entry of this.#charts) {
      entry.drawing?.destroy();
      entry.drawing = entry.data[0].length === 0 ? undefined : draw(entry);
    }
  }
}

function emptyData({ series }) {
  return [[], ...series.map(() => [])];
}

function push(data, values) {
  for (const [at, list] of data.entries()) {
    list.push(values[at]);
    if (list.length > SECONDS_KEPT) list.shift();
  }
}

function ratesBetween(previous, frame) {
  const seconds = previous === undefined ? 0 : (frame.at_ms - previous.at_ms) / 1000;
  if (seconds <= 0) return undefined;
  const rate = (name) => Math.max(0, frame.counters[name] - previous.counters[name]) / seconds;
  return { applied: rate("applied"), reads: rate("reads") };
}

function draw({ chart, plot, data }) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const [text, line, accent, soft] = ["--soft", "--line", "--accent", "--soft"].map(colour);
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const options = {
    width: Math.max(120, plot.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // New points come in on the right, and all charts show the same time.
      x: { time: true, range: (...[, , last]) => [last - SECONDS_KEPT, last] },
      y: { range: (...[, , most]) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        space: 60,
        incrs: [60],
        values: (_plot, times) =>
          times.map((time) => new Date(time * 1000).toLocaleTimeString("en-GB", HOUR_AND_MINUTE)),
      },
      {
        ...axis,
        size: 64,
        space: 32,
        ...(chart.steps === undefined ? {} : { incrs: chart.steps }),
        values: (_plot, values) => values.map((value) => chart.show(value)),
      },
    ],
    series: [
      {},
      ...chart.series.map(({ label, isSecond }) => ({
        label,
        stroke: isSecond ? soft : accent,
        width: isSecond ? 1.25 : 2,
        dash: isSecond ? [4, 3] : undefined,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
  return new globalThis.uPlot(options, data, plot);
}
