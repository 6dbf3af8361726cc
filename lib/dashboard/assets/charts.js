/** Charts of the last minutes. */

import { byId, make, setText, showBytes, showNumber, showSeconds } from "./format.js";
import { ChartHistory, lonely, SECONDS_SHOWN } from "./history.js";

const HEIGHT = 120;
const CHANGES_KEPT = 50;
const HOUR_AND_MINUTE = { hour: "2-digit", minute: "2-digit" };

const CHARTS = [
  {
    title: "Throughput per second",
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
    title: "Refused or failed per second",
    show: showNumber,
    series: [{ label: "requests", read: ({ rates }) => rates?.failed ?? null }],
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

/** The charts and what they show: of one node after the other, as the page goes from one to the next. */
export class Charts {
  #charts = [];
  #node;
  #previous;
  /** When the page went over to which node. */
  #changes = [];

  constructor() {
    const host = byId("charts");
    for (const chart of CHARTS) {
      const shown = chart.series.map(() => make("strong", { children: ["-"] }));
      const legend = chart.series.map(({ label, isSecond }, at) =>
        make("span", { attributes: { class: isSecond ? "key second" : "key" }, children: [`${label} `, shown[at]] })
      );
      const plot = make("div", { attributes: { class: "plot", role: "img", "aria-label": chart.title } });
      const heading = make("h3", { children: [make("span", { children: [chart.title] }), ...legend] });
      host.append(make("div", { attributes: { class: "chart" }, children: [heading, plot] }));
      const history = new ChartHistory(chart.series.length);
      this.#charts.push({ chart, shown, plot, history, changes: this.#changes, drawing: undefined });
    }
    const redraw = () => this.redraw();
    new ResizeObserver(redraw).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  /** Adds a frame. */
  add(frame) {
    const seconds = Date.now() / 1000;
    const isAnother = frame.node.id !== this.#node;
    if (isAnother) this.#goOver(frame.node.id, seconds);
    const rates = ratesBetween(this.#previous, frame);
    this.#previous = frame;
    for (const entry of this.#charts) {
      const values = entry.chart.series.map((series) => series.read({ frame, rates }));
      entry.history.add(seconds, values, isAnother);
      for (const [at, value] of values.entries()) setText(entry.shown[at], entry.chart.show(value));
      if (entry.drawing === undefined) entry.drawing = draw(entry);
      else entry.drawing.setData(entry.history.data);
    }
  }

  #goOver(id, seconds) {
    // The counters of the one say nothing of the other.
    this.#previous = undefined;
    if (this.#node !== undefined) this.#changes.push({ seconds, id });
    this.#changes.splice(0, Math.max(0, this.#changes.length - CHANGES_KEPT));
    this.#node = id;
    setText(byId("charts-node"), String(id));
  }

  /** Draws all anew, in the present colours and size. */
  redraw() {
    for (const entry of this.#charts) {
      entry.drawing?.destroy();
      entry.drawing = entry.history.data[0].length === 0 ? undefined : draw(entry);
    }
  }
}

function ratesBetween(previous, frame) {
  // One that was started again counts anew.
  const isSame = previous !== undefined && previous.node.uptime_ms <= frame.node.uptime_ms;
  const seconds = !isSame ? 0 : (frame.at_ms - previous.at_ms) / 1000;
  if (seconds <= 0) return undefined;
  const rate = (name) => Math.max(0, frame.counters[name] - previous.counters[name]) / seconds;
  return { applied: rate("applied"), reads: rate("reads"), failed: rate("failed") };
}

function draw({ chart, plot, history, changes }) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const [text, line, accent, soft] = ["--soft", "--line", "--accent", "--second"].map(colour);
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const options = {
    width: Math.max(120, plot.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // New points come in on the right, and all charts show the same time.
      x: { time: true, range: (...[, , last]) => [last - SECONDS_SHOWN, last] },
      y: { range: (...[, , most]) => [0, most > 0 ? most * 1.1 : 1] },
    },
    padding: [10, 14, 0, 0],
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
        size: 58,
        space: 32,
        ...(chart.steps === undefined ? {} : { incrs: chart.steps }),
        values: (_plot, values) => values.map((value) => chart.show(value)),
      },
    ],
    hooks: { draw: [(plotted) => markChanges(plotted, { changes, colour: text })] },
    series: [
      {},
      ...chart.series.map(({ label, isSecond }) => ({
        label,
        stroke: isSecond ? soft : accent,
        width: isSecond ? 1.25 : 2,
        dash: isSecond ? [4, 3] : undefined,
        spanGaps: false,
        points: {
          show: false,
          filter: (plotted, at) => lonely(plotted.data[at]),
          size: 4,
          fill: isSecond ? soft : accent,
        },
      })),
    ],
  };
  return new globalThis.uPlot(options, history.data, plot);
}

/** A line where the page went over to another node, with its name. */
function markChanges(plotted, { changes, colour }) {
  const { ctx, bbox } = plotted;
  const scale = globalThis.devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = scale;
  ctx.font = `${10 * scale}px system-ui`;
  ctx.setLineDash([2 * scale, 3 * scale]);
  let freeUntil = bbox.left + bbox.width;
  for (const { seconds, id } of changes.toReversed()) {
    const x = Math.round(plotted.valToPos(seconds, "x", true));
    if (x < bbox.left) break;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // A name stands before its line, like a word before a colon, where no later one stands already.
    if (x > freeUntil) continue;
    const name = `to node ${id} `;
    ctx.textAlign = "right";
    ctx.fillText(name, x, bbox.top - 2 * scale);
    freeUntil = x - ctx.measureText(name).width;
  }
  ctx.restore();
}
