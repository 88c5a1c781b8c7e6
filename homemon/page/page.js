"use strict";
// Draws the panels from the JSON in the page, keeps their time axes and hovers together, tells how old
// each number is, and loads the page again when it was written anew. Times are Unix seconds; plotly
// knows no time zones, so it is given Japan's wall clock as if that were UTC.

const page = JSON.parse(document.getElementById("page").textContent);
const DAY = 86400, JST = 9 * 3600;
const oldest = page.now - page.days * DAY;

// --- times -------------------------------------------------------------------------

const toPlot = (time) => (time + JST) * 1000;

function fromPlot(at) { // milliseconds, or "2026-11-23 18:30:05.25", or less of it
  if (typeof at === "number") return at / 1000 - JST;
  const [year, month, ...rest] = at.split(/\D/).map(Number);
  return Date.UTC(year, month - 1, ...rest.slice(0, 4)) / 1000 - JST;
}

function unpacked(series) { // the times come as steps from one to the next
  return Object.fromEntries(Object.entries(series).map(([name, [steps = [], ...columns]]) => {
    let time = 0;
    return [name, [steps.map((step) => toPlot(time += step)), ...columns]];
  }));
}

const series = { detailed: unpacked(page.detailed), daily: unpacked(page.daily) };

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
  "extent": (x, columns) => blocks(columns, (value) => value),
  "extent above": (x, columns) => blocks(columns, highest),
  "extent below": (x, columns) => blocks(columns, lowest),
};

function trace({ of, take, by_day, plot }) {
  const [x, ...columns] = series[by_day ? "daily" : "detailed"][of];
  if (!x.length) return { ...plot, x: [], y: [] };
  const built = { ...plot, x, ...TAKE[take](x, columns) };
  if (by_day && columns.length === 2) { // a day's sum, and how many of its hours are known
    built.marker = { ...plot.marker, opacity: columns[1].map((hours) => (hours < 24 ? 0.55 : 1)) };
    built.text = columns[1].map((hours) => (hours < 24 ? ` (${hours} h)` : ""));
  }
  return built;
}

function coloured(value) { // "--name" stands for the style sheet's colour of that name, light or dark
  if (typeof value === "string" && value.startsWith("--")) {
    return getComputedStyle(document.documentElement).getPropertyValue(value).trim();
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, coloured(inner)]));
}

// --- the period shown --------------------------------------------------------------

let view; // { days } up to now, or { from, to }

function period() {
  return view.days ? [page.now - view.days * DAY, page.now] : [view.from, view.to];
}

function show(from, to) {
  const span = Math.min(Math.max(to - from, 300), page.days * DAY);
  from = Math.min(Math.max(from, oldest), page.now - span);
  view = from + span >= page.now ? { days: span / DAY } : { from, to: from + span };
  history.replaceState(null, "", view.days ? `#${view.days}d` : `#${Math.round(from)}-${Math.round(view.to)}`);
  draw();
}

function viewOf(hash) {
  const [, days, from, to] = hash.match(/^#(?:([\d.]+)d|(\d+)-(\d+))$/) ?? [];
  return to > from ? [Number(from), Number(to)] : [page.now - (Number(days) || page.first_view) * DAY, page.now];
}

// --- drawing -----------------------------------------------------------------------

const panels = page.panels.flatMap((panel) => {
  const plot = document.querySelector(`#${panel.name} .plot`);
  return plot ? [{ ...panel, plot }] : [];
});
const traces = new Map();

function tracesOf(panel, byDay) { // the same arrays each time, so that plotly sees what has not changed
  const key = `${panel.name} ${byDay}`;
  if (!traces.has(key)) {
    traces.set(key, panel.traces.filter((spec) => spec.by_day === byDay).map((spec) => coloured(trace(spec))));
  }
  return traces.get(key);
}

function heights(drawn, axis, least, from, to) { // what can be seen, and zero
  let low = 0, high = 0;
  for (const { x, y, base, yaxis = "y", width = 0 } of drawn) {
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

function draw() {
  const [from, to] = period();
  const byDay = page.days > page.detailed_days && from < page.now - (page.detailed_days + 0.5) * DAY;
  document.body.classList.toggle("by-day", byDay);
  for (const panel of panels) {
    const drawn = tracesOf(panel, byDay);
    const layout = coloured(panel.layout);
    layout.xaxis.range = [toPlot(from), toPlot(to)];
    layout.xaxis.hoverformat = byDay ? page.hover_day : panel.hover;
    layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom"; // a finger scrolls the page
    panel.least.forEach((least, i) => {
      const axis = layout[["yaxis", "yaxis2"][i]];
      axis.range = heights(drawn, ["y", "y2"][i], least, toPlot(from), toPlot(to));
    });
    Plotly.react(panel.plot, drawn, layout, page.config);
  }
  for (const button of document.querySelectorAll("nav button")) {
    const { days, shift } = button.dataset;
    if (days) button.setAttribute("aria-pressed", String(view.days === Number(days)));
    else button.disabled = shift < 0 ? from <= oldest : to >= page.now;
  }
}

function follow(panel) {
  const others = panels.filter((other) => other !== panel);
  panel.plot.on("plotly_hover", (event) => {
    const xval = toPlot(fromPlot(event.xvals[0]));
    for (const other of others) Plotly.Fx.hover(other.plot, { xval }, "xy");
  });
  panel.plot.on("plotly_unhover", () => others.forEach((other) => Plotly.Fx.unhover(other.plot)));
  panel.plot.on("plotly_doubleclick", () => show(...viewOf("")));
  panel.plot.on("plotly_relayout", (change) => {
    const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
    if (from !== undefined) show(fromPlot(from), fromPlot(to));
  });
}

// --- ages, and the next writing ------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short" });

function ago(seconds) {
  for (const [unit, length] of [["day", DAY], ["hour", 3600], ["minute", 60]]) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  }
  return relative.format(-Math.max(0, Math.floor(seconds)), "second");
}

function tellAges() {
  for (const card of document.querySelectorAll(".card[data-time]")) {
    const age = Date.now() / 1000 - card.dataset.time;
    card.querySelector(".age").textContent = ago(age);
    card.classList.toggle("stale", age > card.dataset.stale);
  }
}

const loaded = Date.now();
let touched = 0;

async function renew() { // the zoom is in the address, and the browser keeps the scrolling
  if (document.hidden || Date.now() - touched < 30_000) return;
  if (location.protocol === "file:") { // which cannot be asked when it was written
    if (Date.now() - loaded < 300_000) return;
  } else {
    const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => null);
    const written = answer?.ok && Date.parse(answer.headers.get("Last-Modified"));
    if (!written || written === Date.parse(document.lastModified)) return;
  }
  location.reload();
}

tellAges();
setInterval(tellAges, 10_000);
setInterval(renew, 60_000);
document.addEventListener("visibilitychange", renew);
document.addEventListener("pointermove", () => { touched = Date.now(); });

if (window.Plotly) {
  if (page.locale) Plotly.register({ moduleType: "locale", name: page.config.locale, ...page.locale });
  show(...viewOf(location.hash));
  panels.forEach(follow);
  for (const button of document.querySelectorAll("nav button")) {
    button.addEventListener("click", () => {
      const [from, to] = period(), { days, shift } = button.dataset;
      if (days) show(page.now - days * DAY, page.now);
      else show(from + shift * (to - from), to + shift * (to - from));
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { traces.clear(); draw(); });
} else {
  document.getElementById("fault").hidden = false;
}
