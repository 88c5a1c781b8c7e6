"use strict";
// Shows one view of the page at a time and draws its charts from the JSON in the page, marks a moment in all of them,
// tells how old each number is, and follows what is new. All numbers are in the page without it. Times are Unix
// seconds; plotly knows no time zones, so it is given Japan's wall clock as if that were UTC.

const root = document.documentElement;
root.classList.add("js");
const DAY = 86400, JST = 9 * 3600, LEAST_SHOWN = 300; // seconds
const served = root.dataset.live; // the address of what is new; a file has none
const byId = (id) => document.getElementById(id);
let page, series, traces; // what `read` finds in the page

// --- times -------------------------------------------------------------------------

const toPlot = (time) => (time + JST) * 1000;

function fromPlot(at) { // milliseconds, or "2026-11-23 18:30:05.25", or less of it
  if (typeof at === "number") return at / 1000 - JST;
  const [year, month, ...rest] = at.split(/\D/).map(Number);
  return Date.UTC(year, month - 1, ...rest.slice(0, 4)) / 1000 - JST;
}

const clock = (options) => new Intl.DateTimeFormat(root.lang, { timeZone: "Asia/Tokyo", ...options });
const DATE = clock({ month: "short", day: "numeric", weekday: "short" });
const TIME = clock({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MONTH = clock({ year: "numeric", month: "long" });

const PERIOD = { // how the period, or moment, of a cut is called
  "readings": (time) => TIME.format(time * 1000),
  "half-hour": (time) => `${TIME.format(time * 1000)}–${TIME.format((time + 1800) * 1000)}`,
  "day": (time) => DATE.format(time * 1000),
  "extents": (time) => DATE.format(time * 1000),
  "month": (time) => MONTH.format(time * 1000),
};

// --- what is in the page -------------------------------------------------------------

function unpacked([steps = [], ...columns]) { // the times come as steps from one to the next
  let time = 0;
  return [steps.map((step) => toPlot(time += step)), ...columns];
}

const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([key, of]) => [key, change(of)]));

function read() {
  page = { panels: [], series: {}, prices: {}, texts: {}, ...JSON.parse(byId("page")?.textContent || "{}") };
  series = mapped(page.series, (names) => mapped(names, unpacked));
  traces = new Map();
  for (const [name, key] of [["earlier", "ArrowLeft"], ["later", "ArrowRight"]]) {
    for (const link of document.querySelectorAll(`a.${name}`)) {
      link.setAttribute("aria-keyshortcuts", key);
      link.title = page.texts[`key ${name}`] ?? "";
    }
  }
}

// --- what a trace takes of its columns; customdata is what the hover says ----------

const each = (values, change) => values.map((value) => (value === null ? null : change(value)));
const highest = (value) => Math.max(value, 0);
const lowest = (value) => Math.min(value, 0);

function area(x, values, clip) { // plotly fills across a gap: so go down to zero before it, and up after it
  const filled = { x: [], y: [] };
  values.forEach((value, i) => {
    const points = value === null ? [[x[i - 1], 0], [x[i + 1], 0]] : [[x[i], clip(value)]];
    for (const [at, height] of points) filled.x.push(at), filled.y.push(height);
  });
  return filled;
}

function blocks([low, , high], clip) { // from each day's lowest to its highest
  const base = each(low, clip);
  const y = high.map((value, i) => (value === null ? null : clip(value) - base[i]));
  return { base, y, customdata: high.map((value, i) => [low[i], value]) };
}

const TAKE = {
  "value": (x, [values]) => ({ y: values, customdata: values }),
  "value below": (x, [values]) => ({ y: each(values, (value) => (value < 0 ? value : null)) }),
  "value down": (x, [values]) => ({ y: each(values, (value) => -value), customdata: values }),
  "area": (x, [values]) => area(x, values, (value) => value),
  "area above": (x, [values]) => area(x, values, highest),
  "area below": (x, [values]) => area(x, values, lowest),
  "mean": (x, [, mean]) => ({ y: mean, customdata: mean }),
  "lowest": (x, [low, , high]) => ({ y: low, customdata: low.map((value, i) => [value, high[i]]) }),
  "extent": (x, columns) => blocks(columns, (value) => value),
  "extent above": (x, columns) => blocks(columns, highest),
  "extent below": (x, columns) => blocks(columns, lowest),
};

function seen(cut, [x, ...columns]) { // what the view has; of a line also where it comes from and goes to
  const [first, after] = timesOf(view).map((time) => x.findIndex((at) => at >= toPlot(time))).map((at) => (at < 0 ? x.length : at));
  const more = cut === "readings" ? 1 : 0;
  return [x, ...columns].map((column) => column.slice(Math.max(first - more, 0), after + more));
}

function trace({ of, take, cut, plot }) {
  const [x, ...columns] = seen(cut, series[cut][of]);
  const built = { ...plot, x, ...TAKE[take](x, columns) };
  if (columns.length === 2) { // kWh, and how many hours of them are known where those are not all
    if (plot.type === "bar") built.marker = { ...plot.marker, pattern: { shape: columns[1].map((hours) => (hours === null ? "" : "/")), size: 6, solidity: 0.5 } };
    built.text = columns[1].map((hours) => (hours === null ? "" : ` (${hours} h)`));
  }
  return built;
}

function coloured(value) { // "--name" stands for the style sheet's colour of that name, light or dark
  if (typeof value === "string" && value.startsWith("--")) return getComputedStyle(root).getPropertyValue(value).trim();
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return mapped(value, coloured);
}

// --- drawing -----------------------------------------------------------------------

let panels = []; // those that have a place on the page, with their plot

function cuts() { // minutes are not kept for long: an old week shows its days
  const [energies, levels] = page.kinds[view.dataset.kind];
  const old = view.dataset.kind !== "day" && timesOf(view)[0] < page.detailed && page.series.extents;
  return [energies, levels === "readings" && old ? "extents" : levels];
}

function drawnIn(panel) { // the same arrays each time, so that plotly sees what has not changed
  const wanted = cuts(), key = `${panel.name} ${view.id}`;
  if (!traces.has(key)) {
    const specs = panel.traces.filter((spec) => wanted.includes(spec.cut));
    traces.set(key, specs.map((spec) => ({ ...spec, drawn: coloured(trace(spec)) })));
  }
  return traces.get(key);
}

function range(shown, axis, least, from, to) { // what can be seen, and zero
  let low = 0, high = 0;
  for (const { drawn: { x, y, base, yaxis, width = 0 } } of shown) {
    if (yaxis !== axis) continue;
    for (let i = 0; i < x.length; i++) {
      if (y[i] === null || x[i] + width < from || x[i] > to) continue;
      const bottom = base ? base[i] : 0;
      low = Math.min(low, bottom, bottom + y[i]);
      high = Math.max(high, bottom + y[i]);
    }
  }
  if (high - low < least) high = low + least;
  const room = 0.07 * (high - low);
  return [low < 0 ? low - room : 0, high > 0 ? high + room : 0];
}

function valueAxes(shown, from, to) {
  const second = { overlaying: "y", side: "right", showgrid: false };
  const axes = { y: {}, y2: second };
  return Object.fromEntries(Object.entries(axes).flatMap(([axis, more]) => {
    const unit = shown.find(({ drawn }) => drawn.yaxis === axis)?.unit;
    if (!unit) return [];
    const shows = { ticksuffix: ` ${unit}`, range: range(shown, axis, page.least[unit] ?? 0, toPlot(from), toPlot(to)) };
    return [[axis.replace("y", "yaxis"), { ...page.axis, ...more, ...shows }]];
  }));
}

const prices = () => (view.dataset.kind === "day" ? page.prices[view.id.slice(4)] ?? [] : []);

function bands(plot, named) { // the prices of the day's hours, behind the curves; named where there is room for it
  const [from, to] = period(), wide = (plot.clientWidth - 100) / (to - from);
  return prices().map(([start, end, name, price, level]) => {
    const lines = [name, price].filter(Boolean), longest = Math.max(...lines.map((line) => widthOf(line)));
    const room = (Math.min(end, to) - Math.max(start, from)) * wide;
    return {
      type: "rect", layer: "below", yref: "paper", y0: 0, y1: 1, x0: toPlot(start), x1: toPlot(end), line: { width: 0 },
      fillcolor: `--price-${level}`,
      label: { text: named && longest + 6 < room ? lines.map(escaped).join("<br>") : "", textposition: "top left", padding: 3, font: { size: 11, color: "--quiet" } },
    };
  });
}

const canvas = document.createElement("canvas").getContext("2d");
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function widthOf(text) {
  canvas.font = `11px ${page.layout.font.family}`;
  return canvas.measureText(text).width;
}

function draw() {
  if (!window.Plotly || !view) return;
  const [from, to] = period(), priced = panels.filter((panel) => ["power", "energy"].includes(panel.name) && drawnIn(panel).length);
  for (const panel of panels) {
    const shown = drawnIn(panel);
    panel.plot.closest(".panel").hidden = !shown.length;
    if (!shown.length) continue;
    const shapes = priced.includes(panel) ? bands(panel.plot, panel === priced[0]).map(coloured) : [];
    const layout = { ...page.layout, ...valueAxes(shown, from, to), shapes };
    layout.xaxis = { ...layout.xaxis, range: [toPlot(from), toPlot(to)], hoverformat: page.hover[shown[0].cut] };
    layout.dragmode = coarse() ? false : "zoom"; // a finger scrolls the page
    if (root.classList.contains("printing")) Object.assign(layout, { width: PRINTED, height: 220 });
    Plotly.react(panel.plot, shown.map(({ drawn }) => drawn), coloured(layout), page.config);
    if (!followed.has(panel.plot)) follow(panel.plot);
    for (const entry of panel.plot.closest(".panel").querySelectorAll("li[data-of]")) entry.hidden = !shown.some(({ of }) => of === entry.dataset.of);
    tellCut(panel, shown[0].unit === "kWh" && shown[0].cut === "extents" ? "day" : shown[0].cut);
  }
  for (const button of document.querySelectorAll("#zoom button")) button.disabled = !zoom && !(button.dataset.by < 1);
  if (marked !== null) mark(marked);
}

function tellCut(panel, cut) { // what a bar or a point is
  const heading = panel.plot.closest(".panel").querySelector("h2");
  const small = heading.querySelector(".cut") ?? heading.appendChild(Object.assign(document.createElement("small"), { className: "cut" }));
  small.textContent = page.cuts[cut] ? ` ${page.cuts[cut]}` : "";
}
